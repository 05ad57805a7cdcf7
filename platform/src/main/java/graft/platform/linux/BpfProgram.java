package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;

/**
 * A program that the kernel has verified and compiled, to be run on given data: the reference that other engines are
 * compared with. Owns its descriptor.
 */
public final class BpfProgram implements AutoCloseable {
    /** {@code BPF_PROG_TYPE_SOCKET_FILTER}: any result is allowed. */
    public static final int SOCKET_FILTER = Bpf.PROG_TYPE_SOCKET_FILTER;

    /** {@code BPF_PROG_TYPE_SYSCALL}: any result is allowed, and the context is memory of the caller's choice. */
    public static final int SYSCALL = Bpf.PROG_TYPE_SYSCALL;

    private static final int LOG_BYTES = 1 << 20;

    private final NativeFd fd;

    private BpfProgram(NativeFd fd) {
        this.fd = fd;
    }

    /**
     * {@code bpf(BPF_PROG_LOAD)} without a log.
     *
     * @param type a {@code BPF_PROG_TYPE_*} number
     * @param insns encoded instructions
     */
    public static BpfProgram load(int type, byte[] insns) {
        return load(type, insns, Bpf.FunctionTypes.NONE);
    }

    /** The same for a program whose functions need types: those that helpers call. */
    public static BpfProgram load(int type, byte[] insns, Bpf.FunctionTypes types) {
        return new BpfProgram(Bpf.progLoad(attributes(type, insns, types)));
    }

    /** Whether the kernel takes a program: 0, or the errno. What it takes is closed again. */
    public static int refusal(int type, byte[] insns) {
        try (BpfProgram _ = load(type, insns)) {
            return 0;
        } catch (SysException refused) {
            return refused.errno();
        }
    }

    /** What the verifier says about a program, which is loaded for that and closed again. */
    public static String log(int type, byte[] insns) {
        return log(type, insns, Bpf.FunctionTypes.NONE);
    }

    /** The same for a program whose functions need types. */
    public static String log(int type, byte[] insns, Bpf.FunctionTypes types) {
        return Bpf.progLog(attributes(type, insns, types), LOG_BYTES);
    }

    private static Bpf.ProgAttributes attributes(int type, byte[] insns, Bpf.FunctionTypes types) {
        return new Bpf.ProgAttributes("", type, insns, "GPL", types);
    }

    /** {@code bpf(BPF_PROG_TEST_RUN)} once; the low 32 bits of r0. */
    public int run(byte[] data) {
        return Bpf.progTestRun(fd, data);
    }

    /** {@code bpf(BPF_PROG_TEST_RUN)} of a {@link #SYSCALL} program with {@code context}; the low 32 bits of r0. */
    public int runWithContext(byte[] context) {
        return Bpf.progTestRunWithContext(fd, context);
    }

    /** Makes tail calls through {@code programs} lead here. */
    public void putInto(NativeFd programs, int index) {
        try (Arena arena = Arena.ofConfined()) {
            int errno = Bpf.mapUpdate(
                    programs, arena.allocateFrom(JAVA_INT, index), arena.allocateFrom(JAVA_INT, fd.number()), 0);
            if (errno != 0) {
                throw new SysException("bpf", errno, "putting " + fd + " into a map of programs");
            }
        }
    }

    /** Closes the descriptor. Safe to call twice. */
    @Override
    public void close() {
        fd.close();
    }
}
