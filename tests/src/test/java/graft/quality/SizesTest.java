package graft.quality;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** No file and no method grows into a monster; the exceptions are listed and may only shrink. */
class SizesTest {
    private static final int LONGEST_FILE = 600;
    private static final int LONGEST_METHOD = 60;
    private static final Path ROOT = Path.of(System.getProperty("graft.root"));
    /** A method or constructor's first line, as the formatter writes it; its last line is the brace below it. */
    private static final Pattern HEAD = Pattern.compile(
            "^( +)(?!.*\\b(?:class|record|interface|enum) )(?!return |new |else|throw |case |default |switch |if |for |while |try |do |yield |assert |record |class "
                    + "|interface |enum |//|\\*)[\\w@<][^=(]*[ >](\\w+)\\(.*");

    @Test
    void filesAndMethodsStayWithinTheLimitsOrShrink() throws IOException {
        assertThat(measured())
                .as("longer than allowed; shorten them, or lower the limits in tests/quality/limits.properties")
                .isEqualTo(listed());
    }

    private static Map<String, Integer> listed() throws IOException {
        Properties limits = new Properties();
        try (Reader in = Files.newBufferedReader(ROOT.resolve("tests/quality/limits.properties"))) {
            limits.load(in);
        }
        Map<String, Integer> listed = new TreeMap<>();
        limits.forEach((key, value) -> listed.put((String) key, Integer.valueOf((String) value)));
        return listed;
    }

    private static Map<String, Integer> measured() throws IOException {
        Map<String, Integer> measured = new TreeMap<>();
        for (Path file : sources()) {
            List<String> lines = Files.readAllLines(file);
            String name = ROOT.relativize(file).toString();
            if (!lines.getFirst().contains("Generated")) {
                if (lines.size() > LONGEST_FILE) {
                    measured.put(name, lines.size());
                }
                methods(lines).forEach((method, length) -> {
                    if (length > LONGEST_METHOD) {
                        measured.put(name + "#" + method, length);
                    }
                });
            }
        }
        return measured;
    }

    private static List<Path> sources() throws IOException {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path module : modules.filter(path -> Files.exists(path.resolve("pom.xml")))
                    .toList()) {
                for (String folder : List.of("src/main/java", "src/test/java")) {
                    if (Files.isDirectory(module.resolve(folder))) {
                        try (Stream<Path> files = Files.walk(module.resolve(folder))) {
                            all.addAll(files.filter(file -> file.toString().endsWith(".java"))
                                    .collect(Collectors.toList()));
                        }
                    }
                }
            }
        }
        return all;
    }

    /** Lines from a method's head to the closing brace at the same indent; the longest of those of one name. */
    static Map<String, Integer> methods(List<String> lines) {
        Map<String, Integer> lengths = new TreeMap<>();
        boolean inTextBlock = false;
        for (int start = 0; start < lines.size(); start++) {
            Matcher head = HEAD.matcher(lines.get(start));
            inTextBlock ^= lines.get(start).split("\"\"\"", -1).length % 2 == 0;
            if (!inTextBlock && head.matches()) {
                int end = end(lines, start, head.group(1));
                if (end > start) {
                    lengths.merge(head.group(2), end - start + 1, Math::max);
                }
            }
        }
        return lengths;
    }

    private static int end(List<String> lines, int start, String indent) {
        boolean opened = false;
        for (int at = start; at < lines.size(); at++) {
            String line = lines.get(at);
            opened |= line.endsWith("{");
            if (!opened && line.endsWith(";")) {
                return start; // a field or a method without a body
            }
            if (at > start && opened && line.equals(indent + "}")) {
                return at;
            }
        }
        return start;
    }

    @Test
    void methodsAreMeasuredFromHeadToBrace() {
        List<String> lines = """
                class A {
                    private final int x = f(1);

                    void run(
                            int a) {
                        if (a > 0) {
                            run(a);
                        }
                    }

                    abstract int none();
                }
                """.lines().toList();
        assertThat(methods(lines)).isEqualTo(Map.of("run", 6));
    }
}
