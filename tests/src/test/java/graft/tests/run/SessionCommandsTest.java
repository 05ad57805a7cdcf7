package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.RuntimeFolder;
import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Signals;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A session that another graft process runs: its maps are looked at and changed while a live program uses them. */
@Tag("slow")
@Timeout(180)
class SessionCommandsTest {
    private static final String OBJECT =
            Path.of("target/test-classes/bpf/looked_at.bpf.o").toString();
    private static final String DNS = "{\"protocol\":\"UDP\",\"port\":53,\"name\":\"dns\"}";

    @TempDir
    private static Path folder;

    private ToldProgram program;
    private GraftProcess graft;

    @BeforeEach
    void start() {
        program = ToldProgram.start(ToldProgram.compile(folder));
        graft = GraftProcess.start("run", OBJECT, "-p", program.pid(), "--attach", "on_call=uprobe::work");
        graft.awaitLine("attached");
    }

    @AfterEach
    void stop() {
        graft.close();
        program.close();
    }

    private String map(String name) {
        return graft.pid() + ":" + name;
    }

    private static String works(String... words) {
        GraftRun run = GraftRun.of(words);
        assertThat(run.status()).as(run.errors()).isZero();
        return run.output();
    }

    private static GraftRun refused(int status, String... words) {
        GraftRun run = GraftRun.of(words);
        assertThat(run.status()).as(run.output() + run.errors()).isEqualTo(status);
        assertThat(run.output()).isEmpty();
        return run;
    }

    @Test
    void mapsAreListedWithTheirTypes() {
        program.does("call 3");
        String list = works("map", "list");
        assertThat(list.lines().map(line -> line.replaceAll(" +", " ").strip()))
                .anyMatch(line -> line.startsWith(graft.pid() + " flows hash struct flow struct use 1 16 "))
                .anyMatch(line -> line.startsWith(graft.pid() + " steps array __u32 __u64 - 2 "))
                .anyMatch(line -> line.endsWith(" " + program.pid()));
        assertThat(works("map", "list", "-o", "jsonl"))
                .contains("{\"type\":\"map_info\",\"graft\":" + graft.pid()
                        + ",\"map\":\"flows\",\"map_type\":\"hash\",\"key_size\":12,\"value_size\":16,"
                        + "\"key_type\":\"struct flow\",\"value_type\":\"struct use\",\"entries\":1,");
    }

    @Test
    void whatProgramsLeaveIsDumpedAndWhatIsSetTheySee() {
        program.does("call 3");
        assertThat(works("map", "dump", map("flows")))
                .isEqualTo("flows[{protocol=UDP port=53 name=dns}] = {hits=0 last=-1 flags=[0, 0, 0, 0]}\n");
        works("map", "set", map("steps"), "0", "10");
        program.does("call 2");
        assertThat(works("map", "get", map("flows"), DNS, "-o", "json"))
                .isEqualTo("{\"type\":\"map\",\"map\":\"flows\",\"key\":" + DNS
                        + ",\"values\":[{\"hits\":20,\"last\":-1,\"flags\":[0,0,0,0]}]}\n");
        works("map", "set", map("flows"), DNS, "{\"flags\":[1,2,3,4],\"last\":7,\"hits\":100}");
        program.does("call 1");
        assertThat(works("map", "get", map("flows"), DNS)).contains("{hits=110 last=-1 flags=[1, 2, 3, 4]}");
        works("map", "delete", map("flows"), DNS);
        refused(4, "map", "get", map("flows"), DNS);
        program.does("call 1");
        assertThat(works("map", "get", map("flows"), DNS)).contains("hits=10 ");
    }

    @Test
    void valuesOfEachProcessorHaveASum() {
        program.does("call 7");
        assertThat(works("map", "get", map("shares"), "0")).containsPattern("^shares\\[0] = 7 \\(cpu\\d+ \\d");
        assertThat(works("map", "get", map("shares"), "0", "-o", "json")).endsWith("],\"sum\":7}\n");
        works("map", "set", map("shares"), "1", "3");
        int cpus = Runtime.getRuntime().availableProcessors();
        assertThat(works("map", "get", map("shares"), "1")).contains("cpu0 3").contains("cpu" + (cpus - 1) + " 3");
    }

    @Test
    void queuesTakeWhatIsSetAndGiveItBackInOrder() {
        works("map", "set", map("orders"), "11");
        works("map", "set", map("orders"), "12");
        works("map", "set", map("orders"), "13");
        assertThat(works("map", "dump", map("orders"))).isEqualTo("orders[0] = 11\norders[1] = 12\norders[2] = 13\n");
        assertThat(works("map", "get", map("orders"))).isEqualTo("orders[0] = 11\n");
        assertThat(works("map", "delete", map("orders"))).isEqualTo("orders[0] = 11\n");
        program.does("call 5");
        assertThat(works("map", "dump", map(".bss"))).isEqualTo(".bss[0] = {calls=5 ordered=25}\n");
    }

    @Test
    void whatAMapDoesNotAllowIsRefusedWithTheKernelsErrno() {
        assertThat(refused(4, "map", "set", map(".rodata"), "0", "{\"fixed\":6}")
                        .errors())
                .contains("GRAFT-M005", "EPERM", "frozen");
        assertThat(works("map", "dump", map(".rodata"))).isEqualTo(".rodata[0] = {fixed=5}\n");
        assertThat(refused(4, "map", "dump", map("events")).errors()).contains("ENOTSUPP", "RINGBUF");
        assertThat(refused(4, "map", "delete", map("steps"), "0").errors()).contains("EINVAL", "set it to 0");
        assertThat(refused(4, "map", "set", map("steps"), "2", "0").errors()).contains("E2BIG", "end at 1");
        assertThat(refused(
                                4,
                                "map",
                                "set",
                                map("flows"),
                                DNS,
                                "{\"hits\":1,\"last\":1,\"flags\":[0,0,0,0]}",
                                "--if",
                                "present")
                        .errors())
                .contains("ENOENT");
        assertThat(refused(2, "map", "set", map("steps"), "0", "-1x").errors()).contains("GRAFT-");
        assertThat(refused(2, "map", "set", map("flows"), DNS, "{\"hits\":1}").errors())
                .contains("GRAFT-M006", "lacks the members last, flags");
        assertThat(refused(2, "map", "get", map("flows"), "{\"protocol\":\"ICMP\",\"port\":53,\"name\":\"dns\"}")
                        .errors())
                .contains("protocol is one of TCP, UDP, not ICMP");
        assertThat(refused(6, "map", "dump", map("flow")).errors()).contains("GRAFT-M004", map("flows"));
    }

    @Test
    void changesAreWatchedUntilTheSessionEnds() {
        program.does("call 1");
        try (GraftProcess watch = GraftProcess.start("map", "watch", map("flows"), "--every", "20ms")) {
            watch.awaitOutput("+ flows[{protocol=UDP port=53 name=dns}] = {hits=0 ");
            works("map", "set", map("steps"), "0", "5");
            program.does("call 1");
            watch.awaitOutput("~ flows[{protocol=UDP port=53 name=dns}] = {hits=5 ");
            works("map", "delete", map("flows"), DNS);
            watch.awaitOutput("- flows[{protocol=UDP port=53 name=dns}] = {hits=5 ");
            graft.interrupt();
            GraftRun run = watch.end();
            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.errors()).contains("the session has ended");
        }
    }

    @Test
    void programsAreShownAsBytecodeAndAsTheyStandInTheProcess() {
        assertThat(works("prog", "list")
                        .lines()
                        .map(line -> line.replaceAll(" +", " ").strip()))
                .anyMatch(line ->
                        line.matches(graft.pid() + " on_call uprobe uprobe \\d+ [0-9.]+ [KiB ]+ 1 " + program.pid()));
        assertThat(works("prog", "dump", graft.pid() + ":on_call", "--show", "insn"))
                .startsWith("on_call:\n; ")
                .contains("call bpf_map_lookup_elem#1", "map[steps]", "looked_at.bpf.c:", "exit\n");
        List<String> code = works("prog", "dump", graft.pid() + ":on_call", "--show", "code", "-o", "jsonl")
                .lines()
                .toList();
        StringBuilder bytes = new StringBuilder();
        code.forEach(line -> bytes.append(line.replaceFirst(".*\"bytes\":\"([0-9a-f]*)\".*", "$1")));
        long address = Long.parseLong(code.getFirst().replaceFirst(".*\"address\":\"0x([0-9a-f]*)\".*", "$1"), 16);
        try (ProcMem memory = ProcMem.open(Integer.parseInt(program.pid()))) {
            byte[] there = memory.readBytes(new RemoteAddress(address), bytes.length() / 2);
            assertThat(HexFormat.of().formatHex(there)).isEqualTo(bytes.toString());
        }
        assertThat(code).anyMatch(line -> line.contains("\"text\":\"ret\""));
    }

    @Test
    void linksSayWhichProgramRunsWhere() {
        assertThat(works("link", "list", "-p", program.pid())
                        .lines()
                        .map(line -> line.replaceAll(" +", " ").strip()))
                .last()
                .asString()
                .matches(graft.pid() + " " + program.pid() + " on_call uprobe:told:work 0x[0-9a-f]+");
        assertThat(works("link", "list", "-p", "1")).isEmpty();
    }

    @Test
    void whoAsksAndDiesChangesNothing() throws IOException {
        Path socket;
        try (Stream<Path> files = Files.list(RuntimeFolder.path())) {
            socket = files.filter(file -> file.getFileName().toString().startsWith(graft.pid() + "-"))
                    .findFirst()
                    .orElseThrow();
        }
        assertThat(Files.getPosixFilePermissions(socket)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        byte[] question = ByteBuffer.allocate(64)
                .putInt(2)
                .put((byte) 3)
                .putInt(5)
                .put("steps".getBytes(StandardCharsets.US_ASCII))
                .put((byte) 1)
                .putInt(4)
                .putInt(0)
                .putInt(8)
                .putLong(Long.reverseBytes(7))
                .putLong(0)
                .array();
        int whole = 4 + 1 + 9 + 1 + 8 + 12 + 8;
        for (int length = 0; length <= whole; length++) {
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                channel.write(ByteBuffer.wrap(question, 0, length));
                channel.shutdownOutput();
                channel.read(ByteBuffer.allocate(64)); // the end, or the answer to a whole question
            }
            assertThat(works("map", "get", map("steps"), "0"))
                    .isEqualTo("steps[0] = " + (length < whole ? 0 : 7) + "\n");
        }
    }

    @Test
    void aStoppedGraftIsNotWaitedForLong() {
        Signals.kill(Math.toIntExact(graft.pid()), Signals.SIGSTOP);
        try {
            GraftRun run = GraftRun.of("map", "list");
            assertThat(run.errors()).contains("graft " + graft.pid() + " does not answer");
        } finally {
            Signals.kill(Math.toIntExact(graft.pid()), Signals.SIGCONT);
        }
        assertThat(works("map", "list")).contains(graft.pid() + " ");
    }

    /** As another user's folder may have, which root looks into. */
    @Test
    void whatOnlyLooksLikeASessionIsNone() throws IOException {
        Path strange = RuntimeFolder.path().resolve("strange-" + graft.pid() + ".session");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(strange));
            Thread answering = Thread.ofVirtual().start(() -> answerNonsense(server));
            GraftRun run = GraftRun.of("map", "list");
            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.output()).contains(graft.pid() + " ").contains(" flows ");
            assertThat(run.errors()).isEmpty();
            assertThat(answering.isAlive()).isTrue();
        } finally {
            Files.deleteIfExists(strange);
        }
    }

    private static void answerNonsense(ServerSocketChannel server) {
        while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
                client.write(ByteBuffer.wrap(new byte[] {0, 0, 0, 1, -1, -1, -1, -1}));
            } catch (IOException _) {
                // The test has ended.
            }
        }
    }

    @Test
    void whatAKilledGraftHasLeftIsNotShown() {
        assertThat(works("map", "list")).contains(" flows ");
        graft.kill();
        assertThat(GraftRun.of("map", "list").output()).doesNotContain(graft.pid() + " ");
        assertThat(refused(6, "map", "dump", map("flows")).errors()).contains("GRAFT-M004");
        works("recover");
    }
}
