package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import graft.cli.Main;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A user without any right but over an own process: all that needs no kernel tracepoint works. */
@Tag("slow")
@Timeout(180)
class OrdinaryUserTest {
    private static final int USER = 65533;
    private static final Path YAMA = Path.of("/proc/sys/kernel/yama/ptrace_scope");
    private static final String UNDONE =
            "undo: ([0-9]+)/\\1 sites restored, text equals the files, nothing left behind";

    @TempDir
    private static Path folder;

    private static String classPath = "";

    private Process target;

    /** A copy that everybody may read, made once. */
    private static String classPath() throws IOException {
        if (classPath.isEmpty()) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            Path home = Files.createDirectory(folder.resolve("home"));
            Files.setAttribute(home, "unix:uid", USER);
            List<String> copies = new ArrayList<>();
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                Path copy = folder.resolve(copies.size() + "-" + Path.of(entry).getFileName());
                copy(Path.of(entry), copy);
                copies.add(copy.toString());
            }
            classPath = String.join(File.pathSeparator, copies);
        }
        return classPath;
    }

    private static void copy(Path from, Path to) throws IOException {
        if (!Files.exists(from)) {
            return;
        }
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.collect(Collectors.toList())) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    private static ProcessBuilder asUser(List<String> command) {
        List<String> all = new ArrayList<>(List.of("setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups"));
        all.addAll(List.of("--bounding-set=-all", "--inh-caps=-all", "env", "-i", "PATH=" + System.getenv("PATH")));
        all.add("HOME=" + folder.resolve("home"));
        all.addAll(command);
        return new ProcessBuilder(all).directory(folder.toFile());
    }

    private GraftRun graft(String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath(),
                Main.class.getName()));
        command.addAll(List.of(words));
        Path errors = folder.resolve("errors");
        Process process = asUser(command).redirectError(errors.toFile()).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new GraftRun(process.waitFor(), output, Files.readString(errors));
    }

    @BeforeEach
    void start() throws IOException {
        assumeThat(!Files.exists(YAMA) || Files.readString(YAMA).strip().equals("0"))
                .as("processes of one user may trace each other")
                .isTrue();
        classPath();
        target = asUser(List.of(AskedProgram.compile(folder, "ordinary").toString()))
                .start();
    }

    @AfterEach
    void stop() {
        assertThat(target.isAlive()).isTrue();
        target.destroyForcibly();
    }

    private String pid() {
        return Long.toString(target.pid());
    }

    private static void works(GraftRun run) {
        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.errors()).containsPattern(UNDONE);
    }

    @Test
    void systemCallsAreTracedAndCounted() throws IOException, InterruptedException {
        GraftRun lines = graft("syscalls", "-e", "openat", "-p", pid(), "-d", "500ms");
        works(lines);
        assertThat(lines.output()).containsPattern("openat\\(AT_FDCWD, \"/etc/hostname\", O_RDONLY\\) += ");
        GraftRun summary = graft("syscalls", "--summary", "-p", pid(), "-d", "500ms");
        works(summary);
        assertThat(summary.output()).containsPattern("(?m) openat$").containsPattern("(?m) getppid$");
        GraftRun files = graft("run", "opensnoop", "-p", pid(), "-d", "500ms");
        works(files);
        assertThat(files.output()).containsPattern("\\{path=/etc/hostname}] = \\{calls=[1-9]");
        assertThat(graft("plan", "syscalls", "-p", pid()).output()).containsPattern("(?m)^all +[1-9]");
    }

    @Test
    void objectsWithTracepointsRunAndMayOverrideCalls() throws IOException, InterruptedException {
        Path object = Files.copy(Path.of("target/test-classes/bpf/syscalls.bpf.o"), folder.resolve("syscalls.bpf.o"));
        GraftRun counts = graft("run", object.toString(), "-p", pid(), "-d", "500ms");
        works(counts);
        assertThat(counts.output()).containsPattern("records\\[110] = [1-9]").containsPattern("exits\\[257] = [1-9]");
        GraftRun denied =
                graft("syscalls", "-e", "getppid", "--inject", "getppid:error=EACCES", "-p", pid(), "-d", "500ms");
        works(denied);
        assertThat(denied.output()).containsPattern("getppid\\(\\) += -1 EACCES");
    }

    @Test
    void functionsAreProbed() throws IOException, InterruptedException {
        GraftRun run = graft("count", folder.resolve("ordinary") + ":work", "-p", pid(), "-d", "500ms");
        works(run);
        assertThat(run.output()).containsPattern("(?m)^ +[1-9][0-9,]*  work$");
    }

    @Test
    void sessionsOfOtherUsersAreNeitherShownNorChanged() throws IOException, InterruptedException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder));
                GraftProcess root = GraftProcess.start(
                        "run",
                        "target/test-classes/bpf/looked_at.bpf.o",
                        "-p",
                        program.pid(),
                        "--attach",
                        "on_call=uprobe::work")) {
            root.awaitLine("attached");
            GraftRun list = graft("map", "list");
            assertThat(list.status()).as(list.errors()).isZero();
            assertThat(list.output()).isEmpty();
            GraftRun set = graft("map", "set", root.pid() + ":steps", "0", "9");
            assertThat(set.status()).isEqualTo(5);
            assertThat(set.errors()).contains("GRAFT-D003", "belongs to uid 0, this one to uid " + USER);
            assertThat(GraftRun.of("map", "get", root.pid() + ":steps", "0").output())
                    .isEqualTo("steps[0] = 0\n");
        }
    }

    @Test
    void whatNeedsMoreSaysSo() throws IOException, InterruptedException {
        GraftRun kernel = graft("run", "opensnoop", "--where", "kernel", "-p", pid(), "-d", "500ms");
        assertThat(kernel.status()).isEqualTo(5);
        assertThat(kernel.output()).isEmpty();
        assertThat(kernel.errors()).contains("EPERM", "try: run as root, or with CAP_BPF and CAP_PERFMON");
        GraftRun foreign = graft(
                "syscalls",
                "-d",
                "500ms",
                "-p",
                Long.toString(ProcessHandle.current().pid()));
        assertThat(foreign.status()).isEqualTo(5);
        assertThat(foreign.output()).isEmpty();
        assertThat(foreign.errors()).contains("belongs to uid 0, graft runs as uid " + USER, "try: run as root");
    }
}
