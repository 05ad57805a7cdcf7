package graft.ebpf.jit.pass;

import static graft.ebpf.jit.pass.Flows.*;
import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.UnaryOp;
import graft.ebpf.jit.ir.Value;
import org.junit.jupiter.api.Test;

class RewritesTest {
    private static final Rewrite NO_OTHER = new Copies();

    @Test
    void copiesAreReadAtTheirSource() {
        Flow flow = after(NO_OTHER, Flows.of(alu(AluOp.MOV, Reg.R2, Reg.R1), alu(AluOp.MOV, Reg.R0, Reg.R2), EXIT));
        assertThat(ops(flow, Op.Move.class)).hasSize(2); // from the argument, to the result
    }

    @Test
    void numbersBecomeImmediates() {
        Flow flow = after(
                NO_OTHER,
                Flows.of(
                        alu(AluOp.MOV, Reg.R2, 7),
                        alu(AluOp.MOV, Reg.R0, Reg.R1),
                        alu(AluOp.ADD, Reg.R0, Reg.R2),
                        EXIT));
        assertThat(ops(flow, Op.Binary.class))
                .singleElement()
                .satisfies(add -> assertThat(add.right()).isEqualTo(new Value.Constant(7)));
    }

    @Test
    void aCopyIsNotReadAfterItsSourceChanged() {
        Flow flow = after(
                NO_OTHER,
                Flows.of(
                        alu(AluOp.MOV, Reg.R2, Reg.R1),
                        alu(AluOp.ADD, Reg.R1, 1),
                        alu(AluOp.MOV, Reg.R0, Reg.R2),
                        alu(AluOp.ADD, Reg.R0, Reg.R1),
                        EXIT));
        Op.Binary sum = ops(flow, Op.Binary.class).getLast();
        assertThat(sum.left()).isNotEqualTo(sum.right());
    }

    @Test
    void pairsOfShiftsAreExtensions() {
        for (AluOp second : new AluOp[] {AluOp.RSH, AluOp.ARSH}) {
            Flow flow = after(
                    new ShiftPairs(),
                    Flows.of(
                            alu(AluOp.MOV, Reg.R0, Reg.R1), alu(AluOp.LSH, Reg.R0, 32), alu(second, Reg.R0, 32), EXIT));
            assertThat(ops(flow, Op.Binary.class)).isEmpty();
            assertThat(ops(flow, Op.Unary.class))
                    .singleElement()
                    .satisfies(extend -> assertThat(extend.op())
                            .isEqualTo(second == AluOp.RSH ? UnaryOp.ZERO_EXTEND_32 : UnaryOp.SIGN_EXTEND_32));
        }
    }

    @Test
    void narrowValuesAreNotCutAgainAndDivideNarrow() {
        Flow flow = Flows.of(
                load(MemSize.W, Reg.R2, Reg.R1, 0),
                load(MemSize.W, Reg.R3, Reg.R1, 4),
                alu32(AluOp.ADD, Reg.R3, 1),
                alu(AluOp.MOV, Reg.R0, Reg.R2),
                alu(AluOp.DIV, Reg.R0, Reg.R3),
                EXIT);
        assertThat(ops(after(new Extensions(), flow), Op.Binary.class).getLast().width())
                .isEqualTo(Width.W32);
    }

    @Test
    void wideValuesDivideWide() {
        Flow flow = Flows.of(
                load(MemSize.DW, Reg.R0, Reg.R1, 0),
                load(MemSize.W, Reg.R3, Reg.R1, 8),
                alu(AluOp.DIV, Reg.R0, Reg.R3),
                EXIT);
        assertThat(ops(after(new Extensions(), flow), Op.Binary.class).getLast().width())
                .isEqualTo(Width.W64);
    }

    private static Flow rotated(int up, int down) {
        return after(
                new Rotates(),
                Flows.of(
                        alu(AluOp.MOV, Reg.R2, Reg.R1),
                        alu(AluOp.LSH, Reg.R2, up),
                        alu(AluOp.MOV, Reg.R0, Reg.R1),
                        alu(AluOp.RSH, Reg.R0, down),
                        alu(AluOp.OR, Reg.R0, Reg.R2),
                        EXIT));
    }

    @Test
    void oppositeShiftsOfOneValueAreARotation() {
        assertThat(ops(rotated(13, 51), Op.Rotate.class))
                .singleElement()
                .satisfies(rotate -> assertThat(rotate.left()).isEqualTo(13));
        assertThat(ops(rotated(13, 50), Op.Rotate.class)).isEmpty();
    }

    @Test
    void addressesGoIntoTheMemoryOperand() {
        Flow flow = after(
                new Addresses(),
                Flows.of(
                        load(MemSize.DW, Reg.R2, Reg.R1, 0),
                        load(MemSize.DW, Reg.R3, Reg.R1, 8),
                        alu(AluOp.LSH, Reg.R3, 2),
                        alu(AluOp.ADD, Reg.R2, Reg.R3),
                        alu(AluOp.ADD, Reg.R2, 100),
                        load(MemSize.W, Reg.R0, Reg.R2, 20),
                        EXIT));
        Op.Load last = ops(flow, Op.Load.class).getLast();
        assertThat(ops(flow, Op.Binary.class)).isEmpty();
        assertThat(last.place().scale()).isEqualTo(4);
        assertThat(last.place().offset()).isEqualTo(120);
    }

    @Test
    void scaledSumsAreOneOperation() {
        Flow flow = after(
                new Sums(),
                Flows.of(alu(AluOp.MOV, Reg.R0, Reg.R1), alu(AluOp.MUL, Reg.R0, 5), alu(AluOp.ADD, Reg.R0, -3), EXIT));
        assertThat(ops(flow, Op.Binary.class)).isEmpty();
        assertThat(ops(flow, Op.Lea.class)).singleElement().satisfies(lea -> {
            assertThat(lea.place().scale()).isEqualTo(4);
            assertThat(lea.place().offset()).isEqualTo(-3);
        });
    }

    @Test
    void comparingBitsWithZeroIsATest() {
        Flow flow = after(
                new BitTests(),
                Flows.of(
                        alu(AluOp.MOV, Reg.R0, Reg.R1),
                        alu(AluOp.AND, Reg.R0, 4),
                        branch(JumpOp.JEQ, Reg.R0, 0, 1),
                        alu(AluOp.MOV, Reg.R1, 3),
                        alu(AluOp.MOV, Reg.R0, Reg.R1),
                        EXIT));
        assertThat(ops(flow, Op.If.class))
                .singleElement()
                .satisfies(test -> assertThat(test.condition().op()).isEqualTo(JumpOp.JSET));
        assertThat(ops(flow, Op.Binary.class)).isEmpty();
    }
}
