package graft.cli.fuzz;

import graft.ebpf.helper.Helper;
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
import java.util.Optional;

/**
 * Programs of every instruction over all registers, that the kernel's verifier takes: a main function, up to three
 * others, and one that bpf_loop calls. They read 128 bytes of context, change the value of one map, and end by writing all
 * registers and their stack to that value, where it can be compared. Those that make tail calls keep the context for them
 * and read the map's value instead.
 */
final class ProgramGenerator {
    /** Bytes of the context. */
    static final int CONTEXT_BYTES = 128;

    /** Bytes of the map's value: what statements use, and the report. */
    static final int VALUE_BYTES = MemoryStatements.MAP_BYTES + 256;

    /** The map of programs, and its entries. */
    static final String PROGRAMS = "programs";

    /** Entries of {@link #PROGRAMS}. */
    static final int PROGRAM_SLOTS = 4;

    private static final int REGISTERS = 10;
    /** Where the report keeps r1, below what statements use. */
    private static final int SPILLED = MemoryStatements.STACK_BYTES + 8;

    private static final int MAX_FUNCTIONS = 3;
    /** One program in so many makes tail calls. */
    private static final int TAIL_CALLING = 8;

    private static final int LOOPED_BYTES = 8;
    /** Where main keeps the context for tail calls, and where a function does. */
    private static final short MAIN_CONTEXT = -SPILLED - 8;

    private static final short FUNCTION_CONTEXT = -MemoryStatements.STACK_BYTES - 8;
    private static final AluOp[] MIXING = {AluOp.ADD, AluOp.SUB, AluOp.XOR, AluOp.MUL};

    private final Choice choose;
    private final Statements statements;
    private final int functions;
    private final boolean loops;
    private final Leaving leaving;

    private enum Leaving {
        BY_EXIT,
        ALSO_BY_TAIL_CALL
    }

    private ProgramGenerator(Choice choose, Leaving leaving) {
        this.choose = choose;
        this.leaving = leaving;
        this.statements = new Statements(
                choose, leaving == Leaving.BY_EXIT ? Optional.of(new ArenaStatements(choose)) : Optional.empty());
        this.functions = choose.oneIn(2) ? 0 : 1 + choose.below(MAX_FUNCTIONS);
        // The compiler has no tail calls beside functions that helpers call.
        this.loops = choose.oneIn(3) && leaving == Leaving.BY_EXIT;
    }

    /** A program, and the one that its tail calls lead to. */
    record Programs(InsnList first, Optional<InsnList> other) {
        FuzzCase with(long seed, byte[] context, byte[] value) {
            return new FuzzCase(seed, first, other, context, value);
        }
    }

    /** The programs of a seed. */
    static Programs programs(long seed) {
        Choice choose = new Choice(seed);
        if (!choose.oneIn(TAIL_CALLING)) {
            return new Programs(new ProgramGenerator(choose, Leaving.BY_EXIT).generate(), Optional.empty());
        }
        InsnList first = new ProgramGenerator(choose, Leaving.ALSO_BY_TAIL_CALL).generate();
        return new Programs(first, Optional.of(new ProgramGenerator(choose, Leaving.ALSO_BY_TAIL_CALL).generate()));
    }

    private InsnList generate() {
        List<List<Insn>> bodies = new ArrayList<>();
        bodies.add(main());
        for (int index = 1; index <= functions; index++) {
            bodies.add(function(index));
        }
        if (loops) {
            bodies.add(looped());
        }
        return InsnList.of(linked(bodies));
    }

    /** Calls and addresses carry the number of a function until every function has its place. */
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
                        switch (insn) {
                            case Insn.CallLocal(int function) -> new Insn.CallLocal(starts[function] - slot - 1);
                            case Insn.LoadWide(Reg dst, Wide.Function(int function)) ->
                                new Insn.LoadWide(dst, new Wide.Function(starts[function]));
                            default -> insn; // has no function in it
                        });
                slot += insn.slots();
            }
        }
        return insns;
    }

    private List<Insn> main() {
        List<Insn> insns = new ArrayList<>();
        if (leaving == Leaving.ALSO_BY_TAIL_CALL) {
            insns.add(new Insn.Store(MemSize.DW, Reg.R10, MAIN_CONTEXT, new Operand.Src(Reg.R1)));
            insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapValue(MemoryStatements.MAP, 0)));
        }
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
        if (caller == 0 && loops) {
            loop(insns);
        }
        if (keepsContext(caller)) {
            tailCall(insns, caller == 0 ? MAIN_CONTEXT : FUNCTION_CONTEXT);
        }
        insns.addAll(statements.several(pieces - pieces / 2));
    }

    /** {@code bpf_loop} over the last function, which gets the address of a slot of this frame. */
    private void loop(List<Insn> insns) {
        if (choose.oneIn(2)) {
            insns.add(new Insn.Alu(AluOp.AND, Width.W64, Reg.R1, new Operand.Imm(7)));
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R1, new Operand.Imm(1)));
        } else {
            insns.add(new Insn.Alu(AluOp.MOV, choose.width(), Reg.R1, new Operand.Imm(1 + choose.below(9))));
        }
        int at = LOOPED_BYTES * (1 + choose.below(MemoryStatements.STACK_BYTES / LOOPED_BYTES));
        insns.add(new Insn.LoadWide(Reg.R2, new Wide.Function(functions + 1)));
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R3, new Operand.Src(Reg.R10)));
        insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R3, new Operand.Imm(-at)));
        insns.add(new Insn.Alu(AluOp.MOV, choose.width(), Reg.R4, new Operand.Imm(0)));
        insns.add(new Insn.CallHelper(Helper.LOOP.number()));
        argumentsAfterCall(insns);
    }

    /** Mixes the round into the slot, does something to the map, and goes on or not. */
    private List<Insn> looped() {
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R6, Reg.R2, (short) 0));
        insns.add(new Insn.Alu(choose.of(MIXING), choose.width(), Reg.R6, new Operand.Src(Reg.R1)));
        insns.add(new Insn.Store(MemSize.DW, Reg.R2, (short) 0, new Operand.Src(Reg.R6)));
        for (Reg reg : List.of(Reg.R0, Reg.R2, Reg.R3, Reg.R4, Reg.R5, Reg.R7, Reg.R8, Reg.R9)) {
            insns.add(
                    choose.oneIn(3)
                            ? new Insn.Alu(AluOp.MOV, choose.width(), reg, new Operand.Src(Reg.R6))
                            : statements.constant(reg));
        }
        fillStack(insns);
        insns.addAll(statements.straight());
        insns.addAll(statements.straight());
        insns.add(new Insn.Alu(AluOp.AND, choose.width(), Reg.R0, new Operand.Imm(choose.oneIn(2) ? 0 : 1)));
        insns.add(new Insn.Exit());
        return insns;
    }

    /** Leaves for another program, on some inputs or on all. When there is none the function goes on. */
    private void tailCall(List<Insn> insns, short context) {
        List<Insn> call = new ArrayList<>();
        if (choose.oneIn(3)) {
            call.add(new Insn.Alu(AluOp.MOV, choose.width(), Reg.R3, new Operand.Src(choose.source())));
            call.add(new Insn.Alu(AluOp.AND, choose.width(), Reg.R3, new Operand.Imm(2 * PROGRAM_SLOTS - 1)));
        } else {
            call.add(new Insn.Alu(AluOp.MOV, choose.width(), Reg.R3, new Operand.Imm(choose.below(PROGRAM_SLOTS + 1))));
        }
        call.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R1, Reg.R10, context));
        call.add(new Insn.LoadWide(Reg.R2, new Wide.MapPointer(PROGRAMS)));
        call.add(new Insn.CallHelper(Helper.TAIL_CALL.number()));
        call.add(statements.constant(Reg.R0));
        argumentsAfterCall(call);
        if (choose.oneIn(2)) {
            insns.add(statements.branch(Statements.slots(call)));
        }
        insns.addAll(call);
    }

    /** Main, and the first function unless it gets another pointer. */
    private boolean keepsContext(int function) {
        return leaving == Leaving.ALSO_BY_TAIL_CALL && (function == 0 || function == 1 && !takesPointer(function));
    }

    private void call(List<Insn> insns, int callee) {
        if (takesPointer(callee)) {
            insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R1, new Operand.Src(Reg.R10)));
        } else if (keepsContext(callee)) {
            insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R1, Reg.R10, MAIN_CONTEXT));
        }
        insns.add(new Insn.CallLocal(callee));
        argumentsAfterCall(insns);
    }

    private void argumentsAfterCall(List<Insn> insns) {
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
        } else if (keepsContext(index)) {
            insns.add(new Insn.Store(MemSize.DW, Reg.R10, FUNCTION_CONTEXT, new Operand.Src(Reg.R1)));
            insns.add(statements.constant(Reg.R1));
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
        insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -SPILLED, new Operand.Src(Reg.R1)));
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapValue(MemoryStatements.MAP, MemoryStatements.MAP_BYTES)));
        for (int number = 0; number < REGISTERS; number++) {
            if (number != 1) {
                insns.add(new Insn.Store(MemSize.DW, Reg.R1, (short) (8 * number), new Operand.Src(Reg.of(number))));
            }
        }
        copied(insns, -SPILLED, 8);
        for (int offset = 0; offset < MemoryStatements.STACK_BYTES; offset += 8) {
            copied(insns, offset - MemoryStatements.STACK_BYTES, 8 * REGISTERS + offset);
        }
        insns.add(new Insn.Exit());
    }

    private static void copied(List<Insn> insns, int fromStack, int toReport) {
        insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R2, Reg.R10, (short) fromStack));
        insns.add(new Insn.Store(MemSize.DW, Reg.R1, (short) toReport, new Operand.Src(Reg.R2)));
    }
}
