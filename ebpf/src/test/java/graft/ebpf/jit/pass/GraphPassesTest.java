package graft.ebpf.jit.pass;

import static graft.ebpf.jit.pass.Flows.*;
import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraphPassesTest {
    private static Flow lookup(Insn key) {
        return Flows.of(
                key,
                store(MemSize.W, Reg.R10, -4, Reg.R6),
                alu(AluOp.MOV, Reg.R2, Reg.R10),
                alu(AluOp.ADD, Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.CallHelper(1),
                branch(JumpOp.JEQ, Reg.R0, 0, 2),
                load(MemSize.DW, Reg.R0, Reg.R0, 0),
                EXIT,
                alu(AluOp.MOV, Reg.R0, 0),
                EXIT);
    }

    @Test
    void aLookupAtAKnownKeyIsALoad() {
        Flow flow = lookup(alu(AluOp.MOV, Reg.R6, 3));
        Passes.run(flow, COUNTS, Passes.Registers.MORE);
        assertThat(ops(flow, Op.ArrayLookup.class)).isEmpty();
        assertThat(ops(flow, Op.If.class)).isEmpty();
        assertThat(ops(flow, Op.Store.class)).isEmpty();
        assertThat(ops(flow, Op.Load.class)).hasSize(1);
    }

    @Test
    void aLookupThatIsCheckedComparesTheKey() {
        Flow flow = lookup(load(MemSize.W, Reg.R6, Reg.R1, 0));
        Passes.run(flow, COUNTS, Passes.Registers.MORE);
        assertThat(ops(flow, Op.ArrayLookup.class)).isEmpty();
        assertThat(ops(flow, Op.If.class)).singleElement().satisfies(check -> {
            assertThat(check.condition().op()).isEqualTo(JumpOp.JGE);
            assertThat(check.condition().width()).isEqualTo(Width.W32);
        });
    }

    @Test
    void slotsThatNobodyPointsToBecomeVariables() {
        Flow flow = after(
                new StackSlots(),
                Flows.of(store(MemSize.DW, Reg.R10, -8, Reg.R1), load(MemSize.DW, Reg.R0, Reg.R10, -8), EXIT));
        assertThat(ops(flow, Op.Store.class)).isEmpty();
        assertThat(ops(flow, Op.Load.class)).isEmpty();
    }

    @Test
    void slotsOfSeveralSizesStayInMemory() {
        Flow flow = after(
                new StackSlots(),
                Flows.of(store(MemSize.DW, Reg.R10, -8, Reg.R1), load(MemSize.W, Reg.R0, Reg.R10, -8), EXIT));
        assertThat(ops(flow, Op.Store.class)).hasSize(1);
    }

    @Test
    void slotsWhoseAddressIsStoredStayInMemory() {
        Flow flow = Flows.of(
                store(MemSize.DW, Reg.R10, -8, Reg.R1),
                store(MemSize.DW, Reg.R10, -16, Reg.R10),
                load(MemSize.DW, Reg.R0, Reg.R10, -8),
                EXIT);
        assertThat(ops(after(new StackSlots(), flow), Op.Store.class)).hasSize(2);
    }

    @Test
    void aJumpAroundACopyIsAChoice() {
        Flow flow =
                Flows.of(alu(AluOp.MOV, Reg.R0, 1), branch(JumpOp.JGT, Reg.R1, 9, 1), alu(AluOp.MOV, Reg.R0, 0), EXIT);
        new Straightening().run(flow);
        new Choices().run(flow);
        new Straightening().run(flow);
        assertThat(ops(flow, Op.Select.class)).hasSize(1);
        assertThat(flow.blocks()).hasSize(1);
    }

    private static Flow shiftedChoice() {
        return Flows.of(
                alu(AluOp.MOV, Reg.R2, 1),
                branch(JumpOp.JGT, Reg.R1, 9, 1),
                alu(AluOp.MOV, Reg.R2, 0),
                alu(AluOp.LSH, Reg.R2, 4),
                alu(AluOp.ADD, Reg.R1, Reg.R2),
                alu(AluOp.MOV, Reg.R0, Reg.R1),
                EXIT);
    }

    @Test
    void whatIsComputedFromAChosenNumberIsChosen() {
        Flow flow = shiftedChoice();
        Passes.run(flow, COUNTS, Passes.Registers.MORE);
        assertThat(ops(flow, Op.Select.class)).singleElement().satisfies(choice -> {
            assertThat(choice.yes()).isEqualTo(new Value.Constant(16));
            assertThat(choice.no()).isEqualTo(new Value.Constant(0));
        });
        assertThat(ops(flow, Op.Binary.class)).hasSize(1);
    }

    @Test
    void aChoiceStaysBeforeAChangeOfWhatItCompares() {
        Var compared = new Var(Var.FIRST_FREE, Var.NO_HOME);
        Var chosen = new Var(Var.FIRST_FREE + 1, Var.NO_HOME);
        Block block = new Block(0);
        Condition condition = new Condition(JumpOp.JGT, Width.W64, compared, new Value.Constant(9));
        block.ops().add(new Op.Move(compared, Var.fixed(1)));
        block.ops().add(new Op.Select(chosen, condition, new Value.Constant(1), new Value.Constant(0)));
        block.ops().add(new Op.Binary(AluOp.ADD, Width.W64, compared, compared, new Value.Constant(1)));
        block.ops().add(new Op.Binary(AluOp.LSH, Width.W64, Var.fixed(0), chosen, new Value.Constant(4)));
        block.ops().add(new Op.Exit());
        List<Op> before = List.copyOf(block.ops());
        new ChosenNumbers().run(new Flow(0, List.of(block), Var.FIRST_FREE + 2));
        assertThat(block.ops()).isEqualTo(before);
    }

    @Test
    void aJumpAroundAStoreStays() {
        Flow flow = Flows.of(
                alu(AluOp.MOV, Reg.R0, 1),
                branch(JumpOp.JGT, Reg.R1, 9, 1),
                new Insn.Store(MemSize.B, Reg.R1, (short) 0, new Operand.Imm(1)),
                EXIT);
        new Straightening().run(flow);
        assertThat(ops(after(new Choices(), flow), Op.Select.class)).isEmpty();
    }

    private static Flow twoBranches(JumpOp second, int number) {
        Flow flow = Flows.of(
                branch(JumpOp.JGT, Reg.R1, 9, 1),
                alu(AluOp.MOV, Reg.R2, 1),
                alu(AluOp.MOV, Reg.R0, 2),
                branch(second, Reg.R1, number, 1),
                alu(AluOp.ADD, Reg.R0, Reg.R2),
                EXIT);
        new Straightening().run(flow);
        return flow;
    }

    @Test
    void theSameComparisonIsMadeOnce() {
        assertThat(ops(after(new RepeatedBranches(), twoBranches(JumpOp.JGT, 9)), Op.If.class))
                .hasSize(2);
        for (JumpOp again : List.of(JumpOp.JGT, JumpOp.JLE)) {
            Flow flow = twoBranches(again, 9);
            new RepeatedBranches().run(flow);
            new Straightening().run(flow);
            assertThat(ops(flow, Op.If.class)).hasSize(1);
            assertThat(ops(flow, Op.Binary.class)).hasSize(1);
        }
    }

    @Test
    void anotherComparisonIsMadeTwice() {
        for (JumpOp other : List.of(JumpOp.JGE, JumpOp.JSGT)) {
            Flow flow = twoBranches(other, 9);
            new RepeatedBranches().run(flow);
            new Straightening().run(flow);
            assertThat(ops(flow, Op.If.class)).hasSize(2);
        }
    }

    @Test
    void aLoopOfTwoWaysIsEnteredInItsMiddle() {
        Flow flow = Flows.of(
                alu(AluOp.MOV, Reg.R0, 0),
                branch(JumpOp.JGT, Reg.R1, 9, 2),
                alu(AluOp.ADD, Reg.R0, 1),
                new Insn.Jump(1),
                alu(AluOp.ADD, Reg.R0, 2),
                alu(AluOp.SUB, Reg.R1, 1),
                branch(JumpOp.JNE, Reg.R1, 0, -6),
                EXIT);
        new Straightening().run(flow);
        new BlockOrder(Order.of(flow)).run(flow);
        assertThat(flow.blocks()).map(block -> jumpsBack(flow, block)).containsExactly(0, 0, 0, 1, 1, 0);
    }

    @Test
    void whatNothingLeadsToIsNotPlaced() {
        Block entry = new Block(0);
        Block lost = new Block(1);
        Block alsoLost = new Block(2);
        entry.ops().add(new Op.Exit());
        lost.ops()
                .add(new Op.If(
                        new Condition(JumpOp.JEQ, Width.W64, Var.fixed(1), new Value.Constant(0)), alsoLost, entry));
        alsoLost.ops().add(new Op.Goto(lost));
        Flow flow = new Flow(0, List.of(entry, lost, alsoLost), Var.FIRST_FREE);
        new BlockOrder(Order.of(flow)).run(flow);
        assertThat(flow.blocks()).containsExactly(entry);
    }

    @Test
    void aKeyThatOnlyAChoiceMakesKnownLeavesNoBlockBehind() {
        Flow flow = Flows.of(
                alu(AluOp.MOV, Reg.R6, 3),
                store(MemSize.W, Reg.R10, -4, Reg.R6),
                alu(AluOp.MOV, Reg.R7, 0),
                branch(JumpOp.JGT, Reg.R1, 9, 1),
                alu(AluOp.MOV, Reg.R7, 1),
                alu(AluOp.MOV, Reg.R2, Reg.R10),
                alu(AluOp.ADD, Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.CallHelper(1),
                alu(AluOp.ADD, Reg.R7, 1),
                branch(JumpOp.JEQ, Reg.R0, 0, 11),
                load(MemSize.W, Reg.R6, Reg.R0, 0),
                store(MemSize.W, Reg.R10, -4, Reg.R6),
                alu(AluOp.MOV, Reg.R2, Reg.R10),
                alu(AluOp.ADD, Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.CallHelper(1),
                branch(JumpOp.JNE, Reg.R0, 0, 1),
                alu(AluOp.MOV, Reg.R7, 2),
                alu(AluOp.MOV, Reg.R0, Reg.R7),
                EXIT,
                alu(AluOp.MOV, Reg.R0, 77),
                EXIT);
        Passes.run(flow, COUNTS, Passes.Registers.MORE);
        assertThat(ops(flow, Op.Move.class)).noneMatch(move -> move.src().equals(new Value.Constant(77)));
        assertThat(flow.blocks()).hasSameSizeAs(Order.of(flow).blocks());
    }

    private static int jumpsBack(Flow flow, Block block) {
        int at = flow.blocks().indexOf(block);
        return (int) block.last().next().stream()
                .filter(next -> flow.blocks().indexOf(next) < at)
                .count();
    }

    @Test
    void whatNothingReadsIsTakenOut() {
        Flow flow = after(
                new DeadCode(),
                Flows.of(
                        load(MemSize.DW, Reg.R2, Reg.R1, 0),
                        alu(AluOp.ADD, Reg.R2, 1),
                        alu(AluOp.MOV, Reg.R0, 0),
                        EXIT));
        assertThat(ops(flow, Op.Load.class)).isEmpty();
        assertThat(ops(flow, Op.Binary.class)).isEmpty();
    }

    private static Flow loop() {
        return Flows.of(
                alu(AluOp.MOV, Reg.R0, 0),
                new Insn.LoadWide(Reg.R2, new Wide.MapValue("counts", 8)),
                load(MemSize.DW, Reg.R3, Reg.R2, 0),
                alu(AluOp.ADD, Reg.R0, Reg.R3),
                branch(JumpOp.JLT, Reg.R0, 100, -5),
                EXIT);
    }

    @Test
    void loopsKeepTheAddressOfTheirMap() {
        Flow flow = loop();
        new Rewriting(new Copies(), new Addresses()).run(flow, TargetBinding.NONE);
        new DeadCode().run(flow);
        new Bases(Order.of(flow)).run(flow);
        assertThat(flow.entry().ops().getFirst()).isInstanceOf(Op.Move.class);
        assertThat(ops(flow, Op.Load.class))
                .singleElement()
                .satisfies(load -> assertThat(load.place().offset()).isEqualTo(8));
    }

    @Test
    void blocksOfALoopStayTogether() {
        Flow flow = loop();
        new BlockOrder(Order.of(flow)).run(flow);
        Order order = Order.of(flow);
        assertThat(flow.blocks().stream().map(order::depth)).containsSequence(0, 1, 0);
    }
}
