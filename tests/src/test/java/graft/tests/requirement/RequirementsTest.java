package graft.tests.requirement;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every requirement has its tests or says what is open. After a change of {@code requirements.txt} the document is written
 * with {@code -Dgraft.document=write}.
 */
class RequirementsTest {
    private static final Path ROOT = Path.of("..");
    private static final Path TRACEES = Path.of("tracees");
    private static final Path DOCUMENT = ROOT.resolve("docs/requirements.md");
    private static final int COUNT = 45;

    private static List<Requirement> requirements;
    private static Map<String, String> classes;

    @BeforeAll
    static void read() throws IOException {
        requirements = Requirement.parse(Files.readString(Path.of("requirements.txt")));
        classes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ROOT)) {
            files.filter(file -> file.toString().matches(".*/src/test/java/.*Test\\.java"))
                    .forEach(file -> classes.put(file.getFileName().toString().replace(".java", ""), text(file)));
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void eachIsThereOnce() {
        assertThat(requirements.stream().map(Requirement::number))
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, COUNT).boxed().toList());
    }

    @Test
    void eachIsShownOrOpen() {
        assertThat(requirements)
                .allMatch(requirement ->
                        !requirement.shownBy().isEmpty() || requirement.open().isPresent());
    }

    @Test
    void theTestsExist() {
        Set<String> missing = new TreeSet<>();
        requirements.stream()
                .flatMap(requirement -> requirement.shownBy().stream())
                .filter(test -> !exists(test))
                .forEach(missing::add);
        assertThat(missing).isEmpty();
    }

    private static boolean exists(String test) {
        if (test.startsWith("tracee:")) {
            return tracees().containsKey(test.substring("tracee:".length()));
        }
        String[] parts = test.split("#");
        String source = classes.getOrDefault(parts[0], "");
        return parts.length == 1 ? !source.isEmpty() : source.contains("void " + parts[1] + "(");
    }

    /** What a tracee says that it is about, by its name. */
    private static Map<String, List<Integer>> tracees() {
        Map<String, List<Integer>> tracees = new TreeMap<>();
        try (Stream<Path> files = Files.walk(TRACEES)) {
            files.filter(file -> Files.isRegularFile(file) && !file.toString().endsWith(".h"))
                    .forEach(file -> tracees.put(
                            file.getFileName().toString().replaceAll("\\.\\w+$", ""),
                            Pattern.compile("(?m)^(?: \\*|//|#) requirements: (.*)$")
                                    .matcher(text(file))
                                    .results()
                                    .flatMap(RequirementsTest::numbers)
                                    .toList()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return tracees;
    }

    private static Stream<Integer> numbers(MatchResult line) {
        return Stream.of(line.group(1).split(" ")).map(Integer::valueOf);
    }

    @Test
    void traceesAndTableSayTheSame() {
        Map<String, List<Integer>> byTable = new TreeMap<>();
        tracees()
                .forEach((name, _) -> byTable.put(
                        name,
                        requirements.stream()
                                .filter(requirement -> requirement.shownBy().contains("tracee:" + name))
                                .map(Requirement::number)
                                .toList()));
        assertThat(tracees()).isEqualTo(byTable);
    }

    @Test
    void theDocumentShowsTheTable() throws IOException {
        if ("write".equals(System.getProperty("graft.document"))) {
            Files.writeString(DOCUMENT, document());
        }
        assertThat(DOCUMENT).hasContent(document());
    }

    private static String document() {
        StringBuilder text = new StringBuilder("""
                # What a target must never notice

                Every requirement and the tests that show that it holds; the tests run with `./graft test`. Made from
                `tests/requirements.txt`. Tracees are the programs of `tests/tracees/`, each of which is run with every
                probe by itself, with all of them, and while they come and go.

                | # | Requirement | Result | Shown by | Open |
                |--:|---|---|---|---|
                """);
        for (Requirement requirement : requirements) {
            text.append("| %d | %s | %s | %s | %s |%n"
                    .formatted(
                            requirement.number(),
                            requirement.text(),
                            requirement.result(),
                            String.join(
                                    ", ",
                                    requirement.shownBy().stream()
                                            .map(test -> "`" + test + "`")
                                            .toList()),
                            requirement.open().orElse("")));
        }
        return text.toString();
    }
}
