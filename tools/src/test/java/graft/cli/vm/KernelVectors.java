package graft.cli.vm;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.ControlFlow;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.insn.Width;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.BpfProgram;
import graft.platform.linux.FunctionBtf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.SysException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs vectors in the kernel: each becomes a function that is called with the address of a map's value, because the
 * kernel tells only half of r0 and lets no program do atomics on its context. Needs root.
 */
final class KernelVectors implements AutoCloseable {
    private static final String MEMORY = "memory";
    private static final int RESULT = 64;
    private static final int BYTES = 128;
    private static final int MMAPABLE = 1 << 10;
    private static final int PAGE = 4096;

    private final NativeFd map =
            Bpf.mapCreate(new Bpf.MapAttributes(MEMORY, MapType.ARRAY.number(), 4, BYTES, 1, MMAPABLE, 0, 0, 0));
    private final SharedRegion value = SharedRegion.map(map, PAGE, SharedRegion.Access.READ_WRITE);

    private final FunctionBtf functions = new FunctionBtf();

    /** What is left, as {@link Vector#text} has it. */
    String run(Vector vector) {
        byte[] before = vector.memory();
        MemorySegment.copy(before, 0, value.segment(), ValueLayout.JAVA_BYTE, 0, before.length);
        InsnList insns = called(vector);
        byte[] code = InsnEncoder.encode(insns, new Numbers());
        Bpf.FunctionTypes types = functions.of(ControlFlow.functions(insns));
        try (BpfProgram program = BpfProgram.load(BpfProgram.SYSCALL, code, types)) {
            program.runWithContext(new byte[8]);
        } catch (SysException refused) {
            return refused.getMessage() + "\n" + BpfProgram.log(BpfProgram.SYSCALL, code, types);
        }
        byte[] after = new byte[before.length];
        MemorySegment.copy(value.segment(), ValueLayout.JAVA_BYTE, 0, after, 0, after.length);
        return vector.text(value.segment().get(ValueLayout.JAVA_LONG, RESULT), after);
    }

    /** Whether the kernel refuses it. */
    boolean refuses(Vector vector) {
        return BpfProgram.refusal(BpfProgram.SYSCALL, InsnEncoder.encode(called(vector), new Numbers())) != 0;
    }

    private static InsnList called(Vector vector) {
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapValue(MEMORY, 0)));
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R2, new Operand.Imm(vector.memory().length)));
        insns.add(new Insn.CallLocal(5));
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapValue(MEMORY, RESULT)));
        insns.add(new Insn.Store(MemSize.DW, Reg.R1, (short) 0, new Operand.Src(Reg.R0)));
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Imm(0)));
        insns.add(new Insn.Exit());
        int moved = InsnList.of(insns).slots();
        for (Insn insn : vector.insns().insns()) {
            insns.add(
                    insn instanceof Insn.LoadWide(Reg dst, Wide.Function(int slot))
                            ? new Insn.LoadWide(dst, new Wide.Function(slot + moved))
                            : insn);
        }
        return InsnList.of(insns);
    }

    @Override
    public void close() {
        functions.close();
        value.close();
        map.close();
    }

    private final class Numbers implements SymbolEncoder {
        @Override
        public WideEncoding mapPointer(String name) {
            return new WideEncoding(WideEncoding.MAP_FD, map.number());
        }

        @Override
        public WideEncoding mapValue(String name, long offset) {
            return new WideEncoding(WideEncoding.MAP_VALUE, map.number() | offset << 32);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            throw new AssertionError(name);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            throw new AssertionError(name);
        }
    }
}
