package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A program that the kernel has verified and compiled, to be run on given data: the reference that other engines are
 * compared with. Owns its descriptor.
 */
public final class BpfProgram implements AutoCloseable {
    /** {@code BPF_PROG_TYPE_SOCKET_FILTER}: any result is allowed. */
    public static final int SOCKET_FILTER = 1;

    /** {@code BPF_PROG_TYPE_SYSCALL}: the context is memory of the caller. */
    public static final int SYSCALL = 31;

    /** Branches, instructions and their states. */
    private static final int LOG_LEVEL = 1;

    private static final int LOG_BYTES = 1 << 20;
    private static final int SLEEPABLE = 1 << 4;
    private static final int PROG_LOAD = 5;
    private static final int PROG_TEST_RUN = 10;
    private static final int INSN_BYTES = 8;
    private static final int LOAD_ATTR_BYTES = 48;
    private static final int TEST_RUN_ATTR_BYTES = 80;

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
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena, type, insns);
            long number = Syscall.BPF.call(
                    "loading " + insns.length / INSN_BYTES + " instructions",
                    PROG_LOAD,
                    attr.address(),
                    attr.byteSize());
            return new BpfProgram(new NativeFd((int) number, "bpf program"));
        }
    }

    /** What the verifier says about a program, which is loaded for that and closed again. */
    public static String log(int type, byte[] insns) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena, type, insns);
            MemorySegment log = arena.allocate(LOG_BYTES);
            attr.set(JAVA_INT, 24, LOG_LEVEL);
            attr.set(JAVA_INT, 28, LOG_BYTES);
            attr.set(JAVA_LONG, 32, log.address());
            long result = Syscall.BPF.raw(PROG_LOAD, attr.address(), attr.byteSize(), 0, 0, 0);
            if (result >= 0) {
                Unistd.close((int) result);
            }
            return log.getString(0, StandardCharsets.UTF_8);
        }
    }

    private static MemorySegment attributes(Arena arena, int type, byte[] insns) {
        MemorySegment code = arena.allocate(insns.length, INSN_BYTES);
        code.copyFrom(MemorySegment.ofArray(insns));
        MemorySegment attr = arena.allocate(LOAD_ATTR_BYTES, 8);
        attr.set(JAVA_INT, 0, type);
        attr.set(JAVA_INT, 4, insns.length / INSN_BYTES);
        attr.set(JAVA_LONG, 8, code.address());
        attr.set(JAVA_LONG, 16, arena.allocateFrom("GPL").address());
        attr.set(JAVA_INT, 44, type == SYSCALL ? SLEEPABLE : 0);
        return attr;
    }

    /** {@code bpf(BPF_PROG_TEST_RUN)} once; the low 32 bits of r0. */
    public int run(byte[] data) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment input = arena.allocate(data.length, 8);
            MemorySegment.copy(data, 0, input, JAVA_BYTE, 0, data.length);
            MemorySegment attr = arena.allocate(TEST_RUN_ATTR_BYTES, 8);
            attr.set(JAVA_INT, 0, fd.number());
            attr.set(JAVA_INT, 8, data.length);
            attr.set(JAVA_LONG, 16, input.address());
            attr.set(JAVA_INT, 32, 1);
            Syscall.BPF.call("running " + fd, PROG_TEST_RUN, attr.address(), attr.byteSize());
            return attr.get(JAVA_INT, 4);
        }
    }

    /** {@code bpf(BPF_PROG_TEST_RUN)} of a {@link #SYSCALL} program with {@code context}; the low 32 bits of r0. */
    public int runWithContext(byte[] context) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment input = arena.allocate(context.length, 8);
            MemorySegment.copy(context, 0, input, JAVA_BYTE, 0, context.length);
            MemorySegment attr = arena.allocate(TEST_RUN_ATTR_BYTES, 8);
            attr.set(JAVA_INT, 0, fd.number());
            attr.set(JAVA_INT, 40, context.length);
            attr.set(JAVA_LONG, 48, input.address());
            Syscall.BPF.call("running " + fd, PROG_TEST_RUN, attr.address(), attr.byteSize());
            return attr.get(JAVA_INT, 4);
        }
    }

    /** Closes the descriptor. Safe to call twice. */
    @Override
    public void close() {
        fd.close();
    }
}
