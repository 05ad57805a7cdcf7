package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PathAutomatonTest {
    private static PathAutomaton automaton(String... patterns) {
        List<PathPattern> all = new ArrayList<>();
        for (String pattern : patterns) {
            all.add(new PathPattern(pattern));
        }
        return ((PathAutomaton.Making.Made) PathAutomaton.of(all)).automaton();
    }

    private static void matches(String pattern, String... paths) {
        PathAutomaton automaton = automaton(pattern);
        assertThat(paths)
                .allSatisfy(path -> assertThat(automaton.matching(path)).isEqualTo(1));
    }

    private static void doesNotMatch(String pattern, String... paths) {
        PathAutomaton automaton = automaton(pattern);
        assertThat(paths)
                .allSatisfy(path -> assertThat(automaton.matching(path)).isZero());
    }

    @Test
    void aPathIsItself() {
        matches("/etc/passwd", "/etc/passwd", "//etc/passwd", "/etc/./passwd", "/etc//././passwd");
        doesNotMatch("/etc/passwd", "", "/etc/passw", "/etc/passwd2", "etc/passwd", "/etc/.passwd", "/etc/passwd/x");
    }

    @Test
    void aFolderIsItselfAndWhatIsBelow() {
        matches("/etc/", "/etc", "/etc/", "/etc/passwd", "/etc/ssl/certs", "/etc//x");
        doesNotMatch("/etc/", "/etcetera", "/et", "/x/etc/passwd", "");
        matches("/", "/", "/x", "/x/y");
        doesNotMatch("/", "x");
    }

    @Test
    void starsStayInAName() {
        matches("/var/*.log", "/var/a.log", "/var/.log", "/var/a.b.log", "/var/./a.log");
        doesNotMatch("/var/*.log", "/var/x/a.log", "/var/a.log2", "/var/x/b.log");
        matches("/var/*", "/var/x", "/var/");
    }

    @Test
    void twoStarsTakeSlashes() {
        matches("/var/**/*.log", "/var/a.log", "/var/x/a.log", "/var/x/y/a.log");
        doesNotMatch("/var/**/*.log", "/var/a.txt", "/varx/a.log");
        matches("/srv/**", "/srv/", "/srv/a", "/srv/a/b");
        matches("**/id_rsa", "/home/a/.ssh/id_rsa", "id_rsa");
        doesNotMatch("**/id_rsa", "/home/a/my_id_rsa");
    }

    @Test
    void questionMarksAndSetsTakeOneCharacter() {
        matches("/dev/tty?", "/dev/tty1");
        doesNotMatch("/dev/tty?", "/dev/tty", "/dev/tty12", "/dev/tty/");
        matches("/dev/sd[a-c]", "/dev/sda", "/dev/sdc");
        doesNotMatch("/dev/sd[a-c]", "/dev/sdd", "/dev/sd-");
        matches("/dev/sd[!a-c]", "/dev/sdd");
        doesNotMatch("/dev/sd[!a-c]", "/dev/sda", "/dev/sd/");
        matches("/x[y", "/x[y");
    }

    @Test
    void everyPatternHasItsBit() {
        PathAutomaton automaton = automaton("/etc/", "/etc/*.conf", "/etc/hosts");

        assertThat(automaton.matching("/etc/hosts")).isEqualTo(0b101);
        assertThat(automaton.matching("/etc/x.conf")).isEqualTo(0b011);
        assertThat(automaton.matching("/etc/x")).isEqualTo(0b001);
        assertThat(automaton.matching("/usr")).isZero();
    }

    @Test
    void lettersOfOtherScriptsAreBytes() {
        matches("/ä/*ß", "/ä/xß", "/ä/ß");
        doesNotMatch("/ä/?", "/ä/ß"); // two bytes
    }

    @Test
    void whatDoesNotFitIsSaid() {
        List<PathPattern> many = new ArrayList<>();
        for (int i = 0; i < 65; i++) {
            many.add(new PathPattern("/x" + i));
        }
        assertThat(PathAutomaton.of(many)).isInstanceOf(PathAutomaton.Making.TooLarge.class);
        assertThat(PathAutomaton.of(List.of(new PathPattern("/" + "x".repeat(3000)))))
                .isInstanceOf(PathAutomaton.Making.TooLarge.class);
    }
}
