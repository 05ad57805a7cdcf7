package graft.platform.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The control groups that threads are in ({@code cgroups(7)}), as this process sees them: of the unified hierarchy, and the class
 * of their packets, which is of the older {@code net_cls}. Looks for the file systems once.
 */
public final class ControlGroups {
    /** The id of the unified hierarchy's root on every machine. */
    public static final long ROOT = 1;

    private static final String TOP = "/";
    private static final String ABOVE = "/..";
    private static final String UNIFIED = "0::";
    private static final String CLASS = "net_cls";
    private static final String TYPE = "cgroup.type";
    private static final Pattern ESCAPED = Pattern.compile("\\\\([0-7]{3})");

    private final Optional<Mounted> unified;
    private final Optional<Mounted> classes;

    private ControlGroups(Optional<Mounted> unified, Optional<Mounted> classes) {
        this.unified = unified;
        this.classes = classes;
    }

    /**
     * A file system of control groups.
     *
     * @param root the group that its top is
     */
    private record Mounted(String root, Path top) {
        Optional<Path> directory(String group) {
            String above = root.equals(TOP) ? "" : root;
            boolean isInside = group.equals(root) || group.startsWith(above + TOP);
            return isInside && !group.contains(ABOVE) ? path(top + group.substring(above.length())) : Optional.empty();
        }
    }

    /** Nothing for a name that has characters which this process's locale has not. */
    static Optional<Path> path(String name) {
        try {
            return Optional.of(Path.of(name));
        } catch (InvalidPathException _) {
            return Optional.empty();
        }
    }

    /**
     * Where a thread is.
     *
     * @param ids of its group of the unified hierarchy and of all above it, the topmost that is seen first; {@link #ROOT} is seen
     *     unless this process is in a cgroup namespace of its own, or sees a part only
     * @param classId {@code net_cls.classid}, 0 without
     */
    public record Membership(List<Long> ids, int classId) {
        public Membership {
            ids = List.copyOf(ids);
        }

        /** Its group. */
        public long id() {
            return ids.getLast();
        }

        /** Whether all groups above it are known. */
        public boolean isWhole() {
            return ids.getFirst() == ROOT;
        }
    }

    /** Those of this machine. */
    public static ControlGroups ofThisMachine() {
        List<String> lines = ProcFile.find(Path.of("/proc/self/mountinfo"))
                .map(text -> text.lines().toList())
                .orElse(List.of());
        return new ControlGroups(
                find(lines, words -> words.get(words.indexOf("-") + 1).equals("cgroup2")),
                find(
                        lines,
                        words -> words.get(words.indexOf("-") + 1).equals("cgroup")
                                && Arrays.asList(words.getLast().split(",")).contains(CLASS)));
    }

    /** The one that shows most. */
    private static Optional<Mounted> find(List<String> lines, Predicate<List<String>> wanted) {
        return lines.stream()
                .map(line -> List.of(line.split(" ")))
                .filter(wanted)
                .map(words -> new Mounted(plain(words.get(3)), Path.of(plain(words.get(4)))))
                .filter(mounted -> !mounted.root().contains(ABOVE))
                .filter(mounted -> Files.exists(mounted.top().resolve("cgroup.procs")))
                .min((one, other) ->
                        Integer.compare(one.root().length(), other.root().length()));
    }

    private static String plain(String escaped) {
        return ESCAPED.matcher(escaped).replaceAll(ControlGroups::character);
    }

    private static String character(MatchResult digits) {
        return java.util.regex.Matcher.quoteReplacement(Character.toString(Integer.parseInt(digits.group(1), 8)));
    }

    /** The topmost directory of the unified hierarchy; nothing when it is not mounted. */
    public Optional<Path> top() {
        return unified.map(Mounted::top);
    }

    /** Whether {@code net_cls} is mounted. */
    public boolean haveClasses() {
        return classes.isPresent();
    }

    /** The directory of the group with an id; nothing when none is seen. */
    public Optional<Path> directory(long id) {
        if (unified.isEmpty()) {
            return Optional.empty();
        }
        try (Stream<Path> all = Files.walk(unified.get().top())) {
            return all.filter(Files::isDirectory)
                    .filter(directory ->
                            id(directory).filter(found -> found == id).isPresent())
                    .findFirst();
        } catch (IOException | UncheckedIOException changing) {
            return Optional.empty();
        }
    }

    /** Where a thread is; nothing when it is over, or its group is removed or not seen from here. */
    public Optional<Membership> of(int thread) {
        Optional<List<String>> lines = lines(thread);
        return lines.flatMap(this::ids).map(ids -> new Membership(ids, classId(lines.get())));
    }

    private static Optional<List<String>> lines(int thread) {
        return ProcFile.find(ProcFile.path(thread, "cgroup"))
                .map(text -> text.lines().toList());
    }

    private Optional<List<Long>> ids(List<String> lines) {
        String group = group(lines);
        if (unified.isEmpty()) {
            return group.equals(TOP) ? Optional.of(List.of(ROOT)) : Optional.empty();
        }
        Path top = unified.get().top();
        List<Long> ids = new ArrayList<>();
        Optional<Path> directory = unified.get().directory(group);
        while (directory.isPresent()) {
            Optional<Long> id = id(directory.get());
            if (id.isEmpty()) {
                return Optional.empty();
            }
            ids.addFirst(id.get());
            directory = directory.get().equals(top)
                    ? Optional.empty()
                    : Optional.of(directory.get().getParent());
        }
        return ids.isEmpty() ? Optional.empty() : Optional.of(ids);
    }

    /** The kernel shows none before the hierarchy is first mounted: all threads are in the root then. */
    private static String group(List<String> lines) {
        return lines.stream()
                .filter(line -> line.startsWith(UNIFIED))
                .map(line -> line.substring(UNIFIED.length()))
                .findFirst()
                .orElse(TOP);
    }

    private static Optional<Long> id(Path directory) {
        try {
            return Optional.of((long) Files.getAttribute(directory, "unix:ino"));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    private int classId(List<String> lines) {
        return classGroup(lines)
                .flatMap(group -> classes.flatMap(mounted -> mounted.directory(group)))
                .flatMap(directory -> ProcFile.find(directory.resolve("net_cls.classid")))
                .map(text -> Integer.parseUnsignedInt(text.strip()))
                .orElse(0);
    }

    /** Lines are a number, controllers and the group, between colons. */
    private static Optional<String> classGroup(List<String> lines) {
        return lines.stream()
                .map(line -> line.split(":", 3))
                .filter(parts -> Arrays.asList(parts[1].split(",")).contains(CLASS))
                .map(parts -> parts[2])
                .findFirst();
    }

    /** Whether the threads of a process may be in several groups: in threaded ones, or in several of {@code net_cls}. */
    public boolean mayDivide(int process) {
        Optional<List<String>> lines = lines(process);
        if (lines.isEmpty()) {
            return false;
        }
        if (classGroup(lines.get()).isPresent()) {
            return true;
        }
        String group = group(lines.get());
        return unified.flatMap(mounted -> mounted.directory(group))
                .filter(directory -> group.equals(TOP)
                        ? hasThreadedChild(directory)
                        : !type(directory).equals("domain"))
                .isPresent();
    }

    /** The root has no type of its own. */
    private static boolean hasThreadedChild(Path directory) {
        try (Stream<Path> children = Files.list(directory)) {
            return children.anyMatch(child -> type(child).equals("threaded"));
        } catch (IOException | UncheckedIOException changing) {
            return true;
        }
    }

    private static String type(Path directory) {
        return ProcFile.find(directory.resolve(TYPE)).map(String::strip).orElse("");
    }
}
