package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.Errno;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Types of maps: what programs make of them in a process is what they make of them in the kernel. */
@Tag("slow")
class MapTypesTest {
    private static final Path OBJECTS = Path.of("target/test-classes/bpf");
    private static final int CALLS = 3000;
    private static final int LOCKED_CALLS = 200_000;

    @TempDir
    private Path folder;

    @Test
    void queuesStacksAndFiltersAnswerAsTheKernels() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun kernel = seen(program, "queues.bpf.o", "kernel");
            GraftRun user = seen(program, "queues.bpf.o", "user");

            for (int map = 0; map < 3; map++) {
                assertThat(result(user, map)).as("RESULTS[%d]", map).isEqualTo(result(kernel, map));
            }
            // Of 524,288 bits at most 9,000 are set: of values that were never added hardly one seems to be there.
            assertThat(result(user, 3)).isGreaterThan(CALLS * 99 / 100);
            assertThat(result(kernel, 3)).isGreaterThan(CALLS * 99 / 100);
            assertThat(user.output()).contains("queue[0] = ").contains("stack[0] = ");
        }
    }

    @Test
    void triesOfPrefixesAnswerAsTheKernels() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun kernel = seen(program, "prefixes.bpf.o", "kernel");
            GraftRun user = seen(program, "prefixes.bpf.o", "user");

            assertThat(result(user, 0)).isEqualTo(result(kernel, 0));
            assertThat(result(user, 1)).isEqualTo(result(kernel, 1));
            assertThat(user.output().lines().filter(line -> line.startsWith("trie[")))
                    .isNotEmpty()
                    .isEqualTo(kernel.output()
                            .lines()
                            .filter(line -> line.startsWith("trie["))
                            .toList());
        }
    }

    @Test
    void mapsInMapsAnswerAsTheKernels() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun kernel = seen(program, "maps_of_maps.bpf.o", "kernel");
            GraftRun user = seen(program, "maps_of_maps.bpf.o", "user");

            for (int map = 0; map < 3; map++) {
                assertThat(result(user, map)).as("RESULTS[%d]", map).isEqualTo(result(kernel, map));
            }
            for (String map : List.of("even", "odd", "small", "large")) {
                assertThat(rows(user, map)).isNotEmpty().isEqualTo(rows(kernel, map));
            }
            assertThat(user.output()).contains("arrays[0] = even", "arrays[3] = even", "tables[2] = large");
        }
    }

    @Test
    void valuesOfOtherProcessorsAreThoseOfTheKernel() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun kernel = seen(program, "processors.bpf.o", "kernel");
            GraftRun user = seen(program, "processors.bpf.o", "user");

            for (int map = 0; map < 3; map++) {
                assertThat(result(user, map)).as("RESULTS[%d]", map).isEqualTo(result(kernel, map));
            }
            for (String map : List.of("array", "hash", "lru")) {
                assertThat(rows(user, map)).isNotEmpty().isEqualTo(rows(kernel, map));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"gcc, -pthread, false", "musl-gcc, -static, false", "gcc, -pthread, true", "musl-gcc, -static, true"})
    void threadsHaveTheirOwnValuesAsInTheKernel(String compiler, String option, boolean inPidNamespace)
            throws IOException {
        Path file = ToldProgram.compile(folder, "storage", compiler, option);
        try (ToldProgram program = inPidNamespace ? ToldProgram.startInPidNamespace(file) : ToldProgram.start(file)) {
            String[] calls = {"call 200", "threads 160", "same 20", "detached 20"};
            GraftRun kernel = seen(program, "task_storage.bpf.o", "kernel", calls);
            GraftRun user = seen(program, "task_storage.bpf.o", "user", calls);

            for (int map = 0; map < 4; map++) {
                assertThat(result(user, map)).as("RESULTS[%d]", map).isEqualTo(result(kernel, map));
            }
            assertThat(rows(user, "seen"))
                    .hasSize(1)
                    .first()
                    .asString()
                    .contains("seen[" + program.pid() + "] = {calls=200 ");
            assertThat(rows(user, "number")).hasSize(1);
        }
    }

    @Test
    void threadsValuesAreReadAndSetByTheirNumbers() throws IOException {
        Path file = ToldProgram.compile(folder, "storage", "gcc", "-pthread");
        String object = OBJECTS.resolve("task_storage.bpf.o").toString();
        try (ToldProgram program = ToldProgram.start(file);
                GraftProcess graft =
                        GraftProcess.start("run", object, "-p", program.pid(), "--attach", "on_call=uprobe::work")) {
            graft.awaitLine("attached");
            program.does("call 10");
            assertThat(GraftRun.of("map", "list").output()).contains("task_storage");
            String number = "number[" + program.pid() + "] = ";
            assertThat(GraftRun.of("map", "set", "number", program.pid(), "77").status())
                    .isZero();
            assertThat(GraftRun.of("map", "get", "number", program.pid()).output())
                    .contains(number + "77");
            assertThat(GraftRun.of("map", "dump", "number").output()).contains(number + "77");
            assertThat(GraftRun.of("map", "delete", "number", program.pid()).status())
                    .isZero();
            assertThat(GraftRun.of("map", "get", "number", program.pid()).errors())
                    .contains("GRAFT-M005", "ENOENT");
            assertThat(GraftRun.of("map", "set", "number", "4194303", "1").errors())
                    .contains("GRAFT-M005", "ENOENT");
            assertThat(graft.interrupt().status()).isZero();
        }
    }

    @Test
    void chainsOfTailCallsLeaveWhatTheyLeaveInTheKernel() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun kernel = seen(program, "tail.bpf.o", "kernel");
            GraftRun user = seen(program, "tail.bpf.o", "user");
            for (int index = 0; index < 4; index++) {
                assertThat(result(user, index))
                        .as("RESULTS[%d]", index)
                        .isPositive()
                        .isEqualTo(result(kernel, index));
            }
        }
    }

    @Test
    void programsOfAnArrayAreExchangedWhileOthersCallThem() throws IOException {
        String object = OBJECTS.resolve("tail.bpf.o").toString();
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder));
                GraftProcess graft =
                        GraftProcess.start("run", object, "-p", program.pid(), "--attach", "on_call=uprobe::work")) {
            graft.awaitLine("attached");
            assertThat(GraftRun.of("map", "dump", "PROGRAMS").output())
                    .contains("PROGRAMS[0] = again", "PROGRAMS[2] = leaf")
                    .doesNotContain("PROGRAMS[1]", "PROGRAMS[3]");
            assertThat(GraftRun.of("map", "set", "PROGRAMS", "1", "on_call").errors())
                    .contains("GRAFT-M006", "again, leaf");
            assertThat(GraftRun.of("map", "set", "PROGRAMS", "4", "leaf").errors())
                    .contains("GRAFT-M005", "E2BIG");
            assertThat(GraftRun.of("map", "set", "PROGRAMS", "1", "leaf").status())
                    .isZero();
            assertThat(GraftRun.of("map", "get", "PROGRAMS", "1").output()).contains("PROGRAMS[1] = leaf");

            program.does("call 7"); // each ends in the first of its calls
            assertThat(GraftRun.of("map", "get", "RESULTS", "2").output()).contains("RESULTS[2] = 7");
            assertThat(GraftRun.of("map", "get", "RESULTS", "0").output()).contains("RESULTS[0] = 0");

            assertThat(GraftRun.of("map", "delete", "PROGRAMS", "1").status()).isZero();
            program.does("call 1");
            assertThat(GraftRun.of("map", "get", "RESULTS", "0").output()).contains("RESULTS[0] = 1001");
            assertThat(graft.interrupt().status()).isZero();
        }
    }

    /** And what iterates over numbers, the other kind of object on a program's stack. */
    @Test
    void dynptrsAnswerAsTheKernels() throws IOException {
        InterpretedObject interpreted = new InterpretedObject(OBJECTS.resolve("dynptrs.bpf.o"), "on_call");
        for (int call = 0; call < CALLS; call++) {
            interpreted.run(call);
        }
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun kernel = seen(program, "dynptrs.bpf.o", "kernel");
            GraftRun user = seen(program, "dynptrs.bpf.o", "user");

            for (int what = 0; what < 6; what++) {
                assertThat(result(user, what)).as("RESULTS[%d]", what).isEqualTo(result(kernel, what));
                assertThat(interpreted.values("RESULTS").getLong(Long.BYTES * what))
                        .as("RESULTS[%d], interpreted", what)
                        .isEqualTo(result(kernel, what));
            }
            assertThat(rows(user, "VALUES")).isNotEmpty().isEqualTo(rows(kernel, "VALUES"));
        }
    }

    /** Two processes at once; the kernel does not let such programs have locks. */
    @Test
    void valuesChangedUnderTheirLocksAreNeverTorn() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram one = ToldProgram.start(file);
                ToldProgram other = ToldProgram.start(file);
                GraftProcess graft = GraftProcess.start(
                        "run",
                        OBJECTS.resolve("spin_locks.bpf.o").toString(),
                        "-p",
                        one.pid() + "," + other.pid(),
                        "--attach",
                        "on_call=uprobe::work")) {
            graft.awaitLine("attached");
            CompletableFuture<Void> there = CompletableFuture.runAsync(() -> one.does("call " + LOCKED_CALLS));
            other.does("call " + LOCKED_CALLS);
            there.join();
            GraftRun run = graft.interrupt();

            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(rows(run, "ARRAY"))
                    .hasSize(1)
                    .first()
                    .asString()
                    .contains("changes=" + 2 * LOCKED_CALLS + " ", " torn=0 ");
            assertThat(rows(run, "HASH")).hasSize(2).allMatch(row -> row.contains(" torn=0 "));
            assertThat(result(run, 0)).isZero();
            assertThat(result(run, 1)).isEqualTo(-Errno.EEXIST);
            assertThat(result(run, 2)).isEqualTo(-Errno.EINVAL);
        }
    }

    private static List<String> rows(GraftRun run, String map) {
        return run.output()
                .lines()
                .filter(line -> line.startsWith(map + "["))
                .sorted()
                .toList();
    }

    @Test
    void eventsOfAPerfEventArrayAreKept() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            GraftRun run = seen(program, "perf_events.bpf.o", "user");

            assertThat(result(run, 0)).isZero();
            assertThat(result(run, 1)).isEqualTo(-Errno.EINVAL);
            assertThat(result(run, 2)).isEqualTo(-Errno.E2BIG);
            assertThat(run.errors()).contains(" processors, " + CALLS + " records not read");
        }
    }

    private static GraftRun seen(ToldProgram program, String object, String place) throws IOException {
        return seen(program, object, place, "call " + CALLS);
    }

    private static GraftRun seen(ToldProgram program, String object, String place, String... calls) throws IOException {
        String file = OBJECTS.resolve(object).toString();
        try (GraftProcess graft = GraftProcess.start(
                "run", file, "-p", program.pid(), "--where", place, "--attach", "on_call=uprobe::work")) {
            graft.awaitLine("attached");
            for (String call : calls) {
                program.does(call);
            }
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }

    private static long result(GraftRun run, int index) {
        Matcher row = Pattern.compile("RESULTS\\[" + index + "] = (\\d+)").matcher(run.output());
        assertThat(row.find()).as(run.output()).isTrue();
        return Long.parseUnsignedLong(row.group(1));
    }
}
