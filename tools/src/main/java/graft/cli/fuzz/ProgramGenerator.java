package graft.cli.fuzz;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;

/**
 * Programs of every instruction over all registers, that the kernel's verifier takes: a main function and up to three
 * others. They read 128 bytes of context, change the value of one map, and end by writing all registers and their stack
 * to that value, where it can be compared.
 */
final class ProgramGenerator {
    /** Bytes of the context. */
    static final int CONTEXT_BYTES = 128;

    /** Bytes of the map's value: what statements use, and the report. */
    static final int VALUE_BYTES = MemoryStatements.MAP_BYTES + 256;

    private static final int REGISTERS = 10;
    private static final int SPILLED = MemoryStatements.STACK_BYTES + 8 * REGISTERS;
    private static final int MAX_FUNCTIONS = 3;

    private final Choice choose;
    private final Statements statements;
    private final int functions;

    private ProgramGenerator(long seed) {
        this.choose = new Choice(seed);
        this.statements = new Statements(choose);
        this.functions = choose.oneIn(2) ? 0 : 1 + choose.below(MAX_FUNCTIONS);
    }

    /** The program of a seed. */
    static InsnList program(long seed) {
        return new ProgramGenerator(seed).generate();
    }

    private InsnList generate() {
        List<List<Insn>> bodies = new ArrayList<>();
        bodies.add(main());
        for (int index = 1; index <= functions; index++) {
            bodies.add(function(index));
        }
        return InsnList.of(linked(bodies));
    }

    /** Calls carry the number of a function until every function has its place. */
    private static List<Insn> linked(List<List<Insn>> bodies) {
        int[] starts = new int[bodies.size()];
        for (int index = 1; index < starts.length; index++) {
            starts[index] = starts[index - 1] + Statements.slots(bodies.get(index - 1));
        }
        List<Insn> insns = new ArrayList<>();
        int slot = 0;
        for (List<Insn> body : bodies) {
            for (Insn insn : body) {
                insns.add(
                        insn instanceof Insn.CallLocal(int function)
                                ? new Insn.CallLocal(starts[function] - slot - 1)
                                : insn);
                slot += insn.slots();
            }
        }
        return insns;
    }

    private List<Insn> main() {
        List<Insn> insns = new ArrayList<>();
        for (int number = 0; number < REGISTERS; number++) {
            if (number != 1) {
                insns.add(initial(Reg.of(number)));
            }
        }
        insns.add(initial(Reg.R1));
        fillStack(insns);
        body(insns, 0, 4 + choose.below(20));
        report(insns);
        return insns;
    }

    private Insn initial(Reg reg) {
        return choose.oneIn(3)
                ? statements.constant(reg)
                : new Insn.Load(MemSize.DW, Extension.ZERO, reg, Reg.R1, (short) (8 * choose.below(CONTEXT_BYTES / 8)));
    }

    private void fillStack(List<Insn> insns) {
        for (int offset = 8; offset <= MemoryStatements.STACK_BYTES; offset += 8) {
            insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -offset, new Operand.Src(choose.source())));
        }
    }

    /** Statements, and between them the calls that this function makes: each function has one caller. */
    private void body(List<Insn> insns, int caller, int pieces) {
        insns.addAll(statements.several(pieces / 2));
        for (int callee = caller + 1; callee <= functions; callee++) {
            boolean direct = caller == 0 || callee == caller + 1;
            if (direct && (callee == caller + 1 || choose.oneIn(2))) {
                call(insns, callee);
            }
        }
        insns.addAll(statements.several(pieces - pieces / 2));
    }

    private void call(List<Insn> insns, int callee) {
        if (takesPointer(callee)) {
            insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R1, new Operand.Src(Reg.R10)));
        }
        insns.add(new Insn.CallLocal(callee));
        for (int number = 1; number <= 5; number++) {
            insns.add(
                    choose.oneIn(2)
                            ? new Insn.Alu(AluOp.MOV, choose.width(), Reg.of(number), new Operand.Src(Reg.R0))
                            : statements.constant(Reg.of(number)));
        }
    }

    /** The last function works on its caller's frame. */
    private boolean takesPointer(int function) {
        return function == functions;
    }

    private List<Insn> function(int index) {
        List<Insn> insns = new ArrayList<>();
        if (takesPointer(index)) {
            short at = (short) -(8 * (1 + choose.below(MemoryStatements.STACK_BYTES / 8)));
            insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R6, Reg.R1, at));
            insns.add(new Insn.Store(MemSize.DW, Reg.R1, at, new Operand.Src(Reg.R2)));
            insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R1, new Operand.Src(Reg.R6)));
        }
        for (Reg reg : List.of(Reg.R0, Reg.R6, Reg.R7, Reg.R8, Reg.R9)) {
            Reg argument = Reg.of(1 + choose.below(5));
            insns.add(
                    choose.oneIn(2)
                            ? new Insn.Alu(AluOp.MOV, choose.width(), reg, new Operand.Src(argument))
                            : statements.constant(reg));
        }
        fillStack(insns);
        body(insns, index, 2 + choose.below(6));
        if (choose.oneIn(2)) {
            insns.add(new Insn.Branch(JumpOp.JSGT, Width.W64, choose.source(), choose.operand(), (short) 1));
            insns.add(new Insn.Exit());
        }
        insns.addAll(statements.several(1));
        insns.add(new Insn.Exit());
        return insns;
    }

    /** All registers and the stack go to the map's value, behind the part that statements use; r0 is kept. */
    private static void report(List<Insn> insns) {
        for (int number = 0; number < REGISTERS; number++) {
            short offset = (short) (8 * number - SPILLED);
            insns.add(new Insn.Store(MemSize.DW, Reg.R10, offset, new Operand.Src(Reg.of(number))));
        }
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapValue(MemoryStatements.MAP, MemoryStatements.MAP_BYTES)));
        for (int offset = 0; offset < SPILLED; offset += 8) {
            insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R2, Reg.R10, (short) (offset - SPILLED)));
            insns.add(new Insn.Store(MemSize.DW, Reg.R1, (short) offset, new Operand.Src(Reg.R2)));
        }
        insns.add(new Insn.Exit());
    }
}
