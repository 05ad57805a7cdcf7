package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Wide;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever a program computes when it runs, the verifier has foreseen at that instruction. */
class ContainmentTest {
    private static final int PROGRAMS = 1500;
    private static final int INPUTS = 40;
    private static final long CONTEXT = 0x10000;
    private static final long STACK = 0x20000;
    private static final long DATA = 0x30000;
    private static final int LIMIT = 10_000;

    private final Random random = new Random(23);
    private long checked;

    @Test
    void everyValueLiesInAStateOfItsInstruction() {
        for (VerifierCases.Case one : new RandomPrograms(19).take(PROGRAMS)) {
            Map<Integer, List<Value[]>> states = new HashMap<>();
            Verdict verdict = Verifier.of(VerifierCases.maps())
                    .verify(
                            one.prog(),
                            ContextLayout.PT_REGS,
                            (slot, state) -> states.computeIfAbsent(slot, _ -> new ArrayList<>())
                                    .add(state.top().registers.clone()));
            if (verdict instanceof Verdict.Accepted) {
                for (int input = 0; input < INPUTS; input++) {
                    run(one, states);
                }
            }
        }
        assertThat(checked).isGreaterThan(100_000);
    }

    private void run(VerifierCases.Case one, Map<Integer, List<Value[]>> states) {
        byte[] context = new byte[168];
        random.nextBytes(context);
        if (random.nextBoolean()) {
            java.util.Arrays.fill(context, (byte) 0);
            context[0] = (byte) random.nextInt(64);
            context[8] = (byte) random.nextInt(64);
        }
        Regions memory = new Regions()
                .add(CONTEXT, context)
                .add(STACK - Interpreter.FRAME_BYTES, new byte[Interpreter.FRAME_BYTES])
                .add(DATA, new byte[32]);
        long[] before = new long[11];
        before[1] = CONTEXT;
        before[10] = STACK;
        Interpreter interpreter = new Interpreter(one.prog().insns(), memory, new OneMap(), (slot, _, registers) -> {
            check(one, slot, before, states.getOrDefault(slot, List.of()));
            System.arraycopy(registers, 0, before, 0, before.length);
        });
        interpreter.run(CONTEXT, STACK, LIMIT);
    }

    private void check(VerifierCases.Case one, int slot, long[] concrete, List<Value[]> states) {
        checked++;
        assertThat(states.stream().anyMatch(state -> contains(state, concrete)))
                .as("%s%nat slot %d: %s", one.code(), slot, java.util.Arrays.toString(concrete))
                .isTrue();
    }

    private static boolean contains(Value[] state, long[] concrete) {
        for (int reg = 0; reg < concrete.length; reg++) {
            boolean foreseen = switch (state[reg]) {
                case Scalar scalar -> scalar.contains(concrete[reg]);
                case Pointer pointer -> pointer.offset().contains(concrete[reg] - base(pointer.region()));
                case Value.Nothing _, Value.Resident _ -> true;
            };
            if (!foreseen) {
                return false;
            }
        }
        return true;
    }

    private static long base(Value.Region region) {
        return switch (region) {
            case Value.Region.Context _ -> CONTEXT;
            case Value.Region.Stack _ -> STACK;
            default -> DATA;
        };
    }

    /** The only map that random programs use. */
    private static final class OneMap implements Environment {
        @Override
        public long call(int number, long[] arguments, Functions functions) {
            throw new ProgramFault("call of helper " + number);
        }

        @Override
        public long resolve(Wide value) {
            return DATA;
        }
    }
}
