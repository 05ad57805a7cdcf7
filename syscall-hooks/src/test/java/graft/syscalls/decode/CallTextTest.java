package graft.syscalls.decode;

import static org.assertj.core.api.Assertions.assertThat;

import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CallTextTest {
    private static final SyscallTable TABLE = SyscallTable.x8664();
    private static final CallText TEXT = new CallText(NamedConstants.x8664(), FilePaths.UNKNOWN);

    private final Map<Memory.Place, Memory> memory = new HashMap<>();

    @Test
    void openedFilesHaveNamesFlagsAndDescriptors() {
        text(1, "/etc/\"x\"\n");
        assertThat(returned(3, "openat", -100, 1, 02000000))
                .isEqualTo("openat(AT_FDCWD, \"/etc/\\\"x\\\"\\n\", O_RDONLY|O_CLOEXEC) = 3");
    }

    @Test
    void aModeIsShownWhereAFileMayBeMade() {
        text(1, "/tmp/x");
        assertThat(returned(3, "openat", -100, 1, 0101, 0640))
                .isEqualTo("openat(AT_FDCWD, \"/tmp/x\", O_WRONLY|O_CREAT, 0640) = 3");
    }

    /** Whatever else is in the register, as strace shows it. */
    @Test
    void modesHaveSixteenBits() {
        text(0, "/none/x");
        assertThat(returned(022, "umask", -1)).isEqualTo("umask(0177777) = 022");
        assertThat(returned(0777, "umask", 0x1234022)).isEqualTo("umask(040042) = 0777");
        assertThat(returned(-2, "chmod", 1, 0))
                .isEqualTo("chmod(\"/none/x\", 000) = -1 ENOENT (No such file or directory)");
        assertThat(returned(-2, "mkdir", 1, 0x12340755))
                .isEqualTo("mkdir(\"/none/x\", 03525) = -1 ENOENT (No such file or directory)");
    }

    @Test
    void errorsHaveNamesAndTexts() {
        text(0, "/nowhere");
        assertThat(returned(-2, "access", 1, 4))
                .isEqualTo("access(\"/nowhere\", R_OK) = -1 ENOENT (No such file or directory)");
        assertThat(returned(-512, "pause")).isEqualTo("pause() = ? ERESTARTSYS (To be restarted if SA_RESTART is set)");
    }

    @Test
    void memoryThatIsNotKnownIsAnAddress() {
        assertThat(returned(-14, "stat", 0x7000, 0x7100)).isEqualTo("stat(0x7000, 0x7100) = -1 EFAULT (Bad address)");
    }

    @Test
    void buffersAreCutWithThreeDotsBehind() {
        put(1, 0, bytes("\177ELF\2\0001"), 832);
        assertThat(returned(832, "read", 3, 1, 832)).isEqualTo("read(3, \"\\177ELF\\2\\0001\"..., 832) = 832");
    }

    @Test
    void structuresHaveMembers() {
        put(0, 0, longs(1, 500), 16);
        assertThat(returned(0, "nanosleep", 1, 0)).isEqualTo("nanosleep({tv_sec=1, tv_nsec=500}, NULL) = 0");
    }

    @Test
    void limitsAreMultiplesOrInfinite() {
        put(3, 0, longs(8192 * 1024, -1), 16);
        assertThat(returned(0, "prlimit64", 0, 3, 0, 1))
                .isEqualTo("prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0");
    }

    @Test
    void aFileIsItsModeAndSizeAndADeviceItsNumber() {
        put(1, 0, stat(0100644, 0, 4711), 144);
        assertThat(returned(0, "fstat", 3, 1)).isEqualTo("fstat(3, {st_mode=S_IFREG|0644, st_size=4711, ...}) = 0");
        put(1, 0, stat(0020620, 0x8803, 0), 144);
        assertThat(returned(0, "fstat", 3, 1))
                .isEqualTo("fstat(3, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x3), ...}) = 0");
    }

    @Test
    void signalsAreNamedWithoutTheirPrefixAndMostOfThemByTheRest() {
        put(1, 0, longs(1L << 1 | 1L << 16 | 1L << 33), 8);
        assertThat(returned(0, "rt_sigprocmask", 0, 1, 0, 8))
                .isEqualTo("rt_sigprocmask(SIG_BLOCK, [INT CHLD RT_2], NULL, 8) = 0");
        put(1, 0, longs(~(1L << 8)), 8);
        assertThat(returned(0, "rt_sigprocmask", 2, 1, 0, 8))
                .isEqualTo("rt_sigprocmask(SIG_SETMASK, ~[KILL], NULL, 8) = 0");
    }

    @Test
    void actionsOfSignalsHaveHandlersMasksAndFlags() {
        put(1, 0, longs(0x1000, 0x14000000, 0x2000, 0), 32);
        assertThat(returned(0, "rt_sigaction", 17, 1, 0, 8))
                .isEqualTo("rt_sigaction(SIGCHLD, {sa_handler=0x1000, sa_mask=[], sa_flags=SA_RESTORER|SA_RESTART, "
                        + "sa_restorer=0x2000}, NULL, 8) = 0");
    }

    @Test
    void addressesOfSocketsAreReadable() {
        put(1, 0, new byte[] {2, 0, 0x1f, (byte) 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 16);
        assertThat(returned(0, "connect", 3, 1, 16))
                .isEqualTo(
                        "connect(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"127.0.0.1\")}, 16)"
                                + " = 0");
        put(1, 0, bytes("\1\0/run/x\0"), 9);
        assertThat(returned(0, "connect", 3, 1, 9))
                .isEqualTo("connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = 0");
        byte[] six = new byte[28];
        six[0] = 10;
        six[3] = 80;
        six[23] = 1;
        put(1, 0, six, 28);
        assertThat(returned(0, "bind", 3, 1, 28))
                .isEqualTo("bind(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
                        + "inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0");
    }

    @Test
    void argumentsOfAProgramAreAListAndItsVariablesACount() {
        text(0, "/bin/ls");
        put(1, 1, bytes("ls\0"), 3);
        put(1, 2, bytes("-l\0"), 3);
        put(2, Memory.Place.COUNT, new byte[0], 23);
        assertThat(returned(0, "execve", 1, 0x10, 0x20))
                .isEqualTo("execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x20 /* 23 vars */) = 0");
    }

    @Test
    void piecesShowWhatTheyHold() {
        put(1, 0, longs(0x1000, 2, 0x2000, 1), 32);
        put(1, 1, bytes("ab"), 2);
        put(1, 2, bytes("c"), 1);
        assertThat(returned(3, "writev", 1, 1, 2))
                .isEqualTo("writev(1, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = 3");
    }

    @Test
    void theArgumentsOfAFutexDependOnItsCommand() {
        assertThat(returned(1, "futex", 0x1000, 0x81, 1, 99, 98, 97))
                .isEqualTo("futex(0x1000, FUTEX_WAKE_PRIVATE, 1) = 1");
        assertThat(returned(-11, "futex", 0x1000, 0x189, 0, 0, 98, -1))
                .isEqualTo("futex(0x1000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, NULL, "
                        + "FUTEX_BITSET_MATCH_ANY) = -1 EAGAIN (Resource temporarily unavailable)");
    }

    @Test
    void optionsOfSocketsDependOnTheirLevel() {
        put(3, 0, new byte[] {1, 0, 0, 0}, 4);
        assertThat(returned(0, "setsockopt", 5, 6, 1, 1, 4))
                .isEqualTo("setsockopt(5, SOL_TCP, TCP_NODELAY, [1], 4) = 0");
        assertThat(returned(0, "setsockopt", 5, 1, 9, 1, 4))
                .isEqualTo("setsockopt(5, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0");
        assertThat(returned(7, "socket", 2, 1, 6)).isEqualTo("socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 7");
        assertThat(returned(7, "socket", 16, 3, 0)).isEqualTo("socket(AF_NETLINK, SOCK_RAW, 0) = 7");
    }

    @Test
    void pollShowsWhatItFound() {
        put(0, 0, new byte[] {5, 0, 0, 0, 1, 0, 1, 0}, 8);
        assertThat(returned(1, "poll", 1, 1, 100))
                .isEqualTo("poll([{fd=5, events=POLLIN}], 1, 100) = 1 ([{fd=5, revents=POLLIN}])");
        assertThat(returned(0, "poll", 1, 1, 100)).endsWith(" = 0 (Timeout)");
    }

    @Test
    void endsOfChildrenAreWords() {
        put(1, 0, new byte[] {0, 3, 0, 0}, 4);
        assertThat(returned(17, "wait4", -1, 1, 0, 0))
                .isEqualTo("wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 17");
        put(1, 0, new byte[] {9, 0, 0, 0}, 4);
        assertThat(returned(17, "wait4", -1, 1, 1, 0))
                .isEqualTo("wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], WNOHANG, NULL) = 17");
    }

    @Test
    void callsThatWereUnderWayHaveNoArguments() {
        Call call = new Call(
                TABLE.call("read").orElseThrow(), 1, 1, 0, 5, new Call.Outcome.Returned(5), values(), Map.of());
        assertThat(TEXT.line(call)).isEqualTo("read(<... resumed>) = 5");
    }

    @Test
    void callsThatDoNotReturnHaveAQuestionMark() {
        Call call = new Call(
                TABLE.call("exit_group").orElseThrow(), 1, 1, 4, 5, new Call.Outcome.Never(), values(3), Map.of());
        assertThat(TEXT.line(call)).isEqualTo("exit_group(3) = ?");
    }

    @Test
    void descriptorsHavePathsWhenTheyAreKnown() {
        CallText text = new CallText(NamedConstants.x8664(), (_, fd) -> Optional.of("/file" + fd));
        assertThat(text.line(call(0, "close", 3))).isEqualTo("close(3</file3>) = 0");
    }

    private String returned(long result, String name, long... arguments) {
        return TEXT.line(call(result, name, arguments));
    }

    private Call call(long result, String name, long... arguments) {
        return new Call(
                TABLE.call(name).orElseThrow(),
                1,
                1,
                4,
                5,
                new Call.Outcome.Returned(result),
                values(arguments),
                memory);
    }

    private static List<Long> values(long... arguments) {
        List<Long> values = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            values.add(i < arguments.length ? arguments[i] : 0L);
        }
        return values;
    }

    private void text(int argument, String text) {
        put(argument, 0, bytes(text + "\0"), text.length() + 1L);
    }

    private void put(int argument, int index, byte[] bytes, long length) {
        memory.put(new Memory.Place(argument, index), new Memory(MemorySegment.ofArray(bytes), length));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] longs(long... values) {
        ByteBuffer out = ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            out.putLong(value);
        }
        return out.array();
    }

    private static byte[] stat(int mode, long device, long size) {
        return ByteBuffer.allocate(144)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(24, mode)
                .putLong(40, device)
                .putLong(48, size)
                .array();
    }
}
