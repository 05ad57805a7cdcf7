package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Accepted programs, run with concrete inputs, never use an index outside the 32 bytes of the map value. */
class RandomProgramsTest {
    private static final int INPUTS = 100;
    private final Random random = new Random(11);

    @Test
    void acceptedProgramsStayInBounds() {
        List<VerifierCases.Case> accepted = new RandomPrograms(7)
                .take(6000).stream()
                        .filter(one -> Verifier.of(VerifierCases.maps()).verify(one.prog()) instanceof Verdict.Accepted)
                        .toList();
        assertThat(accepted).hasSizeGreaterThan(300);
        int reached = 0;
        for (VerifierCases.Case one : accepted) {
            InsnList insns = one.prog().insns();
            for (int input = 0; input < INPUTS; input++) {
                long index = new Run(insns).index();
                reached += index == Run.NOT_REACHED ? 0 : 1;
                assertThat(index).as(one.code()).isBetween(-1L, 31L);
            }
        }
        assertThat(reached).isGreaterThan(1000);
    }

    /** One run up to the addition of the index to the value's address. */
    private final class Run {
        private static final long NOT_REACHED = -1;
        private final InsnList insns;
        private final long[] registers = new long[11];
        private final Map<Integer, Long> stack = new HashMap<>();
        private boolean finished;
        private long index = NOT_REACHED;

        Run(InsnList insns) {
            this.insns = insns;
        }

        long index() {
            int slot = 0;
            while (!finished) {
                slot = step(slot, insns.at(slot));
            }
            return index;
        }

        private int step(int slot, Insn insn) {
            int next = slot + insn.slots();
            switch (insn) {
                case Insn.Load load -> load(load);
                case Insn.Store store -> store(store);
                case Insn.MoveSigned move -> {
                    int shift = 64 - move.bits();
                    set(move.dst(), get(move.src()) << shift >> shift);
                }
                case Insn.Alu alu -> arithmetic(alu);
                case Insn.Branch branch -> {
                    boolean taken =
                            ConcreteMath.taken(branch.op(), branch.width(), get(branch.dst()), value(branch.src()));
                    return taken ? next + branch.distance() : next;
                }
                case Insn.Exit _ -> finished = true;
                default -> set(Reg.R9, 0);
            }
            return next;
        }

        private void arithmetic(Insn.Alu alu) {
            if (alu.dst() == Reg.R9 && alu.op() == AluOp.ADD) {
                index = get(Reg.R6);
                // -1 means "not reached", so the real -1 becomes another wrong index.
                index = index == NOT_REACHED ? Long.MIN_VALUE : index;
                finished = true;
                return;
            }
            set(alu.dst(), ConcreteMath.apply(alu.op(), alu.width(), get(alu.dst()), value(alu.src())));
        }

        private void store(Insn.Store store) {
            if (store.size().bytes() == 8) {
                stack.clear();
            }
            stack.put(store.size().bytes(), value(store.value()));
        }

        private void load(Insn.Load load) {
            int bytes = load.size().bytes();
            long bits = load.base() == Reg.R10 ? stored() : input();
            set(load.dst(), bytes == 8 ? bits : bits & ((1L << 8 * bytes) - 1));
        }

        /** The last store; a narrow one leaves what was above it, which programs here may read as anything. */
        private long stored() {
            Long wide = stack.get(8);
            Long narrow = stack.get(4);
            if (narrow == null) {
                return wide;
            }
            long upper = wide == null ? random.nextLong() : wide;
            return upper & ~Range.LOW | narrow & Range.LOW;
        }

        private long input() {
            return switch (random.nextInt(4)) {
                case 0 -> random.nextInt(64);
                case 1 -> -random.nextInt(64);
                case 2 -> random.nextInt();
                default -> random.nextLong();
            };
        }

        private long value(Operand operand) {
            return switch (operand) {
                case Operand.Src(var reg) -> get(reg);
                case Operand.Imm(var value) -> value;
            };
        }

        private long get(Reg reg) {
            return registers[reg.number()];
        }

        private void set(Reg reg, long value) {
            registers[reg.number()] = value;
        }
    }
}
