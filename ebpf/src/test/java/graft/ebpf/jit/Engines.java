package graft.ebpf.jit;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.Regions;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.verifier.Facts;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.linux.ExecutableMemory;
import java.lang.invoke.MethodHandle;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Runs one program in the interpreter and as machine code. */
final class Engines implements AutoCloseable {
    private static final long STACK_TOP = 0x7fff_0000_0000L;
    private static final int FRAMES = 8;
    private static final int SIZE = 1 << 20;
    private static final int CODE_START = 1 << 12;
    private static final List<Gpr> CALLEE_SAVED = List.of(Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15);

    private final ExecutableMemory memory = ExecutableMemory.allocate(SIZE);
    private final MethodHandle caller;
    private int used = CODE_START;

    private final ProgramCompiler compiler;

    /** With the compiler for every processor. */
    Engines() {
        this(new X64ProgramCompiler());
    }

    Engines(ProgramCompiler compiler) {
        this.compiler = compiler;
        memory.write(0, callerCode());
        this.caller = memory.function(0);
    }

    /** Takes a pair {code, context}, calls the code, and returns a marked value when a callee-saved register changed. */
    private byte[] callerCode() {
        X64Assembler asm = new X64Assembler(memory.address());
        Label bad = new Label("a callee-saved register changed");
        Label out = new Label("out");
        CALLEE_SAVED.forEach(asm::push);
        asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, 8);
        for (Gpr gpr : CALLEE_SAVED) {
            asm.mov(gpr, 0x1111_2222_0000_0000L + gpr.number());
        }
        asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI));
        asm.mov(OpSize.Q, Gpr.RDI, Address.at(Gpr.RDI, 8));
        asm.call(Gpr.RAX);
        for (Gpr gpr : CALLEE_SAVED) {
            asm.mov(Gpr.R11, 0x1111_2222_0000_0000L + gpr.number());
            asm.op(Arith.CMP, OpSize.Q, gpr, Gpr.R11);
            asm.jcc(Cond.NE, bad);
        }
        asm.bind(out);
        asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, 8);
        CALLEE_SAVED.reversed().forEach(asm::pop);
        asm.plain(Plain.RET);
        asm.bind(bad);
        asm.mov(Gpr.RAX, 0x0bad_0bad_0bad_0badL);
        asm.jmp(out);
        return asm.finish();
    }

    static long interpret(InsnList insns) {
        Regions stack = new Regions()
                .add(STACK_TOP - FRAMES * Interpreter.FRAME_BYTES, new byte[FRAMES * Interpreter.FRAME_BYTES]);
        return new Interpreter(insns, stack, Environment.none()).run(0, STACK_TOP, 20_000_000);
    }

    long run(InsnList insns) {
        return run(spec(insns), facts(insns), TargetBinding.NONE, 0);
    }

    long run(ProgSpec program, Facts facts, TargetBinding binding, long context) {
        return call(place(program, facts, binding), context);
    }

    /** Compiles to where it can run. */
    CompiledProgram place(ProgSpec program, Facts facts, TargetBinding binding) {
        if (used + (1 << 14) > SIZE) {
            used = CODE_START;
        }
        int at = (used + 15) & -16;
        Compilation compilation = compiler.compile(program, facts, binding, memory.address() + at);
        if (!(compilation instanceof Compilation.Compiled(CompiledProgram compiled))) {
            throw new AssertionError(compilation);
        }
        memory.write(at, compiled.code());
        used = at + compiled.code().length;
        return compiled;
    }

    long call(CompiledProgram compiled, long context) {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            var pair = arena.allocate(16);
            pair.set(java.lang.foreign.ValueLayout.JAVA_LONG, 0, compiled.address());
            pair.set(java.lang.foreign.ValueLayout.JAVA_LONG, 8, context);
            return (long) caller.invokeExact(pair.address());
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    static ProgSpec spec(InsnList insns) {
        return spec(insns, List.of(new ProgSpec.Function("main", 0, insns.slots(), 0)));
    }

    static ProgSpec spec(InsnList insns, List<ProgSpec.Function> functions) {
        return new ProgSpec("random", "uprobe", ProgType.UPROBE, Optional.empty(), insns, functions, List.of(), "GPL");
    }

    static Facts facts(InsnList insns) {
        return facts(insns, Map.of(), Map.of(0, RandomPrograms.STACK_BYTES));
    }

    /** Facts that claim nothing but the frames. */
    static Facts facts(InsnList insns, Map<Integer, String> mapOfCall, Map<Integer, Integer> frames) {
        BitSet all = new BitSet();
        all.set(0, insns.slots());
        return new Facts(
                new BitSet(),
                Facts.ContextUse.FIELDS_ONLY,
                Set.of(),
                mapOfCall,
                frames,
                512,
                1,
                0,
                all,
                all,
                all,
                Facts.ArenaUse.NONE,
                Facts.OwnValues.NONE);
    }

    static InsnList list(Insn... insns) {
        return InsnList.of(insns);
    }

    @Override
    public void close() {
        memory.close();
    }
}
