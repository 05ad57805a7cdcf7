package graft.cli.vm;

import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import graft.ebpf.interp.Tracer;
import graft.ebpf.object.ProgSpec;

/** The interpreter, with every access checked. */
public final class InterpretedEngine implements Engine {
    /** Where the memory appears; the same address as in a {@link Runner}. */
    public static final long MEMORY_ADDRESS = 0x1100_0000_0000L;

    private static final long STACK_END = 0x7fff_0000_0000L;
    private static final int FRAMES = 8;
    private static final long MAX_STEPS = 50_000_000;

    private final Tracer tracer;

    /** An interpreter. */
    public InterpretedEngine() {
        this(Tracer.NONE);
    }

    /** An interpreter that tells {@code tracer} about every step. */
    public InterpretedEngine(Tracer tracer) {
        this.tracer = tracer;
    }

    @Override
    public Outcome run(ProgSpec program, byte[] memory) {
        byte[] own = memory.clone();
        int stack = FRAMES * Interpreter.FRAME_BYTES;
        Regions regions = new Regions().add(STACK_END - stack, new byte[stack]).add(MEMORY_ADDRESS, own);
        Interpreter interpreter = new Interpreter(program.insns(), regions, Environment.none(), tracer);
        long first = memory.length == 0 ? 0 : MEMORY_ADDRESS;
        try {
            return new Outcome.Returned(interpreter.run(first, memory.length, STACK_END, MAX_STEPS), own);
        } catch (ProgramFault fault) {
            return new Outcome.Failed(fault.getMessage());
        }
    }

    @Override
    public void close() {}
}
