package graft.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One line of {@code graft doctor}, found by trying or by reading the kernel's own settings.
 *
 * @param weight what it means for graft when this does not work
 */
record Finding(String what, State state, String detail, Weight weight) {
    /** The three answers a probe can give. */
    enum State {
        WORKS("works"),
        DOES_NOT("does not"),
        COULD_NOT_TELL("could not tell");

        private final String word;

        State(String word) {
            this.word = word;
        }

        String word() {
            return word;
        }
    }

    /** How much depends on a finding. */
    enum Weight {
        ESSENTIAL,
        OPTIONAL
    }

    private static final int CAP_SYS_PTRACE = 19;
    private static final int CAP_PERFMON = 38;
    private static final int CAP_BPF = 39;
    private static final int CAP_SYS_ADMIN = 21;

    static List<Finding> all(List<Integer> pids) {
        List<Finding> findings = new ArrayList<>();
        findings.add(machine());
        findings.add(ownProcesses());
        findings.add(otherUsers());
        findings.add(kernelBpf());
        findings.add(kernelTypes());
        findings.add(capstone());
        findings.add(clang());
        pids.forEach(pid -> findings.add(process(pid)));
        return findings;
    }

    boolean blocksEverything() {
        return weight == Weight.ESSENTIAL && state == State.DOES_NOT;
    }

    String text() {
        return String.format(" %-28s %-15s %s", what, state.word(), detail).stripTrailing();
    }

    private static Finding machine() {
        String machine = System.getProperty("os.arch");
        String system = System.getProperty("os.name") + " " + System.getProperty("os.version");
        State state = machine.equals("amd64") && system.startsWith("Linux") ? State.WORKS : State.DOES_NOT;
        return new Finding("Linux on x86-64", state, system + ", " + machine, Weight.ESSENTIAL);
    }

    private static Finding ownProcesses() {
        Optional<String> scope = read(Path.of("/proc/sys/kernel/yama/ptrace_scope"));
        String what = "attach to own processes";
        if (scope.isEmpty()) {
            return new Finding(what, State.WORKS, "no ptrace restriction in this kernel", Weight.ESSENTIAL);
        }
        boolean capable = holds(CAP_SYS_PTRACE);
        return switch (scope.get()) {
            case "0" -> new Finding(what, State.WORKS, "ptrace_scope=0, same user", Weight.ESSENTIAL);
            case "1", "2" ->
                capable
                        ? new Finding(what, State.WORKS, "CAP_SYS_PTRACE", Weight.ESSENTIAL)
                        : new Finding(
                                what,
                                State.DOES_NOT,
                                "ptrace_scope=" + scope.get() + " → run as root, or sysctl kernel.yama.ptrace_scope=0",
                                Weight.ESSENTIAL);
            default ->
                new Finding(
                        what, State.DOES_NOT, "ptrace_scope=" + scope.get() + " forbids it to all", Weight.ESSENTIAL);
        };
    }

    private static Finding otherUsers() {
        return holds(CAP_SYS_PTRACE)
                ? new Finding("attach to other users'", State.WORKS, "CAP_SYS_PTRACE", Weight.OPTIONAL)
                : new Finding(
                        "attach to other users'",
                        State.DOES_NOT,
                        "needs CAP_SYS_PTRACE → run as root",
                        Weight.OPTIONAL);
    }

    private static Finding kernelBpf() {
        if (holds(CAP_SYS_ADMIN) || holds(CAP_BPF) && holds(CAP_PERFMON)) {
            return new Finding("kernel bpf()", State.WORKS, "for --where kernel", Weight.OPTIONAL);
        }
        String setting = read(Path.of("/proc/sys/kernel/unprivileged_bpf_disabled"))
                .map(value -> "unprivileged_bpf_disabled=" + value)
                .orElse("needs CAP_BPF and CAP_PERFMON");
        return new Finding(
                "kernel bpf()", State.DOES_NOT, setting + " → optional; --where user still works", Weight.OPTIONAL);
    }

    private static Finding kernelTypes() {
        boolean there = Files.isReadable(Path.of("/sys/kernel/btf/vmlinux"));
        return new Finding(
                "kernel type information",
                there ? State.WORKS : State.DOES_NOT,
                there ? "/sys/kernel/btf/vmlinux" : "built without BTF → programs that need CO-RE are refused",
                Weight.OPTIONAL);
    }

    private static Finding capstone() {
        Optional<Path> library = firstLibrary("libcapstone.so.");
        return library.map(path -> new Finding("Capstone", State.WORKS, path.toString(), Weight.OPTIONAL))
                .orElseGet(() -> new Finding(
                        "Capstone",
                        State.DOES_NOT,
                        "plans show no instructions → install libcapstone4",
                        Weight.OPTIONAL));
    }

    private static Finding clang() {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("/usr/bin");
        boolean there = Stream.of(path.split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, "clang")));
        return new Finding(
                "clang",
                there ? State.WORKS : State.DOES_NOT,
                there ? "compiles BPF programs" : "only for writing own programs in C → install clang",
                Weight.OPTIONAL);
    }

    private static Finding process(int pid) {
        String what = "process " + pid;
        Path folder = Path.of("/proc", Integer.toString(pid));
        Optional<String> status = read(folder.resolve("status"));
        if (status.isEmpty()) {
            return new Finding(what, State.DOES_NOT, "no such process", Weight.ESSENTIAL);
        }
        int tracer = Integer.parseInt(field(status.get(), "TracerPid").orElse("0"));
        if (tracer != 0) {
            return new Finding(
                    what, State.DOES_NOT, "traced by process " + tracer + " → end that first", Weight.ESSENTIAL);
        }
        if (field(status.get(), "State").orElse("").startsWith("Z")) {
            return new Finding(what, State.DOES_NOT, "a zombie: it has ended", Weight.ESSENTIAL);
        }
        boolean memory = Files.isReadable(folder.resolve("mem"))
                && read(folder.resolve("maps")).isPresent();
        return memory
                ? new Finding(what, State.WORKS, "its memory map is readable", Weight.ESSENTIAL)
                : new Finding(what, State.DOES_NOT, "not permitted → run as root or as its user", Weight.ESSENTIAL);
    }

    private static boolean holds(int capability) {
        return read(Path.of("/proc/self/status"))
                .flatMap(status -> field(status, "CapEff"))
                .map(hex -> (Long.parseUnsignedLong(hex, 16) >>> capability & 1) == 1)
                .orElse(false);
    }

    private static Optional<String> field(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst();
    }

    private static Optional<Path> firstLibrary(String prefix) {
        for (String folder : List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")) {
            try (Stream<Path> files = Files.list(Path.of(folder))) {
                Optional<Path> found = files.filter(
                                file -> file.getFileName().toString().startsWith(prefix))
                        .min(Path::compareTo);
                if (found.isPresent()) {
                    return found;
                }
            } catch (IOException _) {
                continue; // not every system has every folder
            }
        }
        return Optional.empty();
    }

    private static Optional<String> read(Path file) {
        try {
            return Optional.of(Files.readString(file).strip());
        } catch (IOException _) {
            return Optional.empty();
        }
    }
}
