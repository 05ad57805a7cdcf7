package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ExecutableMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Runs assembled functions in this process with chosen registers and looks at all of them afterwards.
 *
 * <pre>
 *  data: scratch, 64 KiB | lifeline | runtime region        code: pool, 1 MiB | text of the probed program, 1 MiB
 * </pre>
 */
final class Machine implements AutoCloseable {
    static final int POOL_SIZE = 1 << 20;
    static final int SCRATCH = 1 << 16;
    static final int ARITHMETIC_FLAGS = 0x8d5;

    private static final int TEXT_SIZE = 1 << 20;
    private static final int VECTORS = 16;
    private static final int IN = 0;
    private static final int OUT = 0x100;
    private static final int OWN_STACK = 0x200;
    private static final int VECTORS_IN = 0x400;
    private static final int VECTORS_OUT = 0x600;
    private static final int FLAGS = 16;
    private static final int TARGET = 17;
    private static final List<Gpr> CALLEE_SAVED = List.of(Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15);
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG;

    private final ExecutableMemory memory = ExecutableMemory.allocate(
            SCRATCH + PoolConstants.LIFELINE_SIZE + RuntimeRegion.SIZE, POOL_SIZE + TEXT_SIZE);
    private final MethodHandle runner;
    private int poolUsed;
    private int textUsed = POOL_SIZE;

    /** Registers and flags; rsp is what it is when the called function's first instruction runs, or after its return. */
    record State(long[] registers, long flags, long[] vectors) {
        long get(Gpr register) {
            return registers[register.number()];
        }
    }

    Machine() {
        setActive(1);
        runner = memory.function(text(this::runnerCode) - memory.address());
        for (int i = 0; i < 2 * VECTORS; i++) {
            scratch().set(WORD, VECTORS_IN + 8L * i, 0x0123_4567_89ab_cdefL * (i + 1));
        }
    }

    RuntimeRegion runtime() {
        return new RuntimeRegion(new RemoteAddress(memory.address()), POOL_SIZE, RuntimeRegion.ForkedChildren.LEFT);
    }

    void setActive(int value) {
        memory.data().set(ValueLayout.JAVA_INT, SCRATCH + PoolConstants.LIFELINE_SIZE, value);
    }

    void setLifeline(int value) {
        memory.data().set(ValueLayout.JAVA_INT, SCRATCH, value);
    }

    int active() {
        return memory.data().get(ValueLayout.JAVA_INT, SCRATCH + PoolConstants.LIFELINE_SIZE);
    }

    /** Borrowed memory that code and test share; the first 4 KiB belong to the machine. */
    MemorySegment scratch() {
        return memory.data().asSlice(0, SCRATCH);
    }

    /** The operand that is {@code offset} bytes into the scratch memory. */
    Address scratch(int offset) {
        return new Address.Absolute(scratchAddress(offset));
    }

    long scratchAddress(int offset) {
        return memory.address() - RuntimeRegion.SIZE - PoolConstants.LIFELINE_SIZE - SCRATCH + offset;
    }

    long word(int scratchOffset) {
        return scratch().get(WORD, scratchOffset);
    }

    long runtimeWord(RemoteAddress address) {
        return memory.data().get(WORD, address.value() - scratchAddress(0));
    }

    /** Where the next pool code will be. */
    RemoteAddress nextInPool() {
        return new RemoteAddress(memory.address() + poolUsed);
    }

    void putInPool(byte[] code) {
        memory.write(poolUsed, code);
        poolUsed = poolUsed + code.length + 63 & -64;
    }

    /** Assembles a function into the text. */
    long text(Consumer<X64Assembler> body) {
        X64Assembler out = new X64Assembler(memory.address() + textUsed);
        body.accept(out);
        byte[] code = out.finish();
        memory.write(textUsed, code);
        textUsed = textUsed + code.length + 63 & -64;
        return out.here() - code.length;
    }

    /** Assembles a function into the pool, as programs are. */
    RemoteAddress pool(Consumer<X64Assembler> body) {
        RemoteAddress address = nextInPool();
        X64Assembler out = new X64Assembler(address.value());
        body.accept(out);
        putInPool(out.finish());
        return address;
    }

    void write(long address, byte[] bytes) {
        memory.write(address - memory.address(), bytes);
    }

    /** The whole instructions that a 5-byte jump at {@code site} covers. */
    List<X64Insn> covered(long site, byte[] text) {
        List<X64Insn> insns = new ArrayList<>();
        int at = 0;
        while (at < 5) {
            X64Insn insn = (X64Insn) X64Decoder.decode(text, at, new RemoteAddress(site + at));
            insns.add(insn);
            at += insn.length();
        }
        return insns;
    }

    /** Makes the site jump to a stub. */
    void patch(long site, RemoteAddress stub) {
        X64Assembler out = new X64Assembler(site);
        out.jmp(stub.value());
        write(site, out.finish());
    }

    /** Calls a function. */
    State call(long function, State in) {
        for (int i = 0; i < 16; i++) {
            scratch().set(WORD, IN + 8L * i, in.registers()[i]);
        }
        scratch().set(WORD, IN + 8L * FLAGS, in.flags() & ARITHMETIC_FLAGS | 0x202);
        scratch().set(WORD, IN + 8L * TARGET, function);
        try {
            long unused = (long) runner.invokeExact(0L);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        long[] registers = new long[16];
        for (int i = 0; i < 16; i++) {
            registers[i] = word(OUT + 8 * i);
        }
        if (registers[Gpr.RSP.number()] != word(OWN_STACK)) {
            throw new AssertionError("the stack pointer is not where it was");
        }
        long[] vectors = new long[2 * VECTORS];
        for (int i = 0; i < vectors.length; i++) {
            vectors[i] = word(VECTORS_OUT + 8 * i);
        }
        return new State(registers, word(OUT + 8 * FLAGS) & ARITHMETIC_FLAGS, vectors);
    }

    private void runnerCode(X64Assembler out) {
        CALLEE_SAVED.forEach(out::push);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -1032));
        out.mov(OpSize.Q, scratch(OWN_STACK), Gpr.RSP);
        for (int i = 0; i < VECTORS; i++) {
            vector(out, 0x6f, i, VECTORS_IN);
        }
        out.push(scratch(IN + 8 * FLAGS));
        out.bytes(new byte[] {(byte) 0x9d});
        for (int i = 0; i < 16; i++) {
            if (i != Gpr.RSP.number()) {
                out.mov(OpSize.Q, Gpr.of(i), scratch(IN + 8 * i));
            }
        }
        out.call(scratch(IN + 8 * TARGET));
        for (int i = 0; i < 16; i++) {
            out.mov(OpSize.Q, scratch(OUT + 8 * i), Gpr.of(i));
        }
        out.mov(OpSize.Q, Gpr.RSP, scratch(OWN_STACK));
        out.plain(Plain.PUSHFQ);
        out.pop(Gpr.RAX);
        out.mov(OpSize.Q, scratch(OUT + 8 * FLAGS), Gpr.RAX);
        for (int i = 0; i < VECTORS; i++) {
            vector(out, 0x7f, i, VECTORS_OUT);
        }
        out.plain(Plain.CLD);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, 1032));
        CALLEE_SAVED.reversed().forEach(out::pop);
        out.plain(Plain.RET);
    }

    /** {@code movdqu} between a vector register and the scratch memory. */
    private void vector(X64Assembler out, int opcode, int register, int offset) {
        out.bytes(new byte[] {(byte) 0xf3, (byte) (register < 8 ? 0x40 : 0x44), 0x0f, (byte) opcode});
        out.bytes(new byte[] {(byte) ((register & 7) << 3 | 5)});
        int distance = Math.toIntExact(scratchAddress(offset + 16 * register) - (out.here() + 4));
        for (int i = 0; i < 4; i++) {
            out.bytes(new byte[] {(byte) (distance >> 8 * i)});
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
