package graft.attach;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A thread's seccomp filter: classic BPF over the number, the machine and the arguments of a system call. What depends on
 * the arguments is followed both ways.
 */
final class SeccompFilter {
    private static final int MACHINE_X86_64 = 0xc000003e;
    private static final int NUMBER_AT = 0;
    private static final int MACHINE_AT = 4;
    private static final int DATA_BYTES = 64;
    private static final int ACTION = 0xffff0000;
    private static final int ALLOW = 0x7fff0000;
    private static final int LOG = 0x7ffc0000;
    private static final int MAX_STEPS = 200_000;
    private static final OptionalInt UNKNOWN = OptionalInt.empty();

    private final int[] codes;
    private final int[] constants;

    /** @param filter 8 bytes an instruction: code, two jump distances, constant */
    SeccompFilter(MemorySegment filter) {
        int length = (int) (filter.byteSize() / 8);
        codes = new int[length];
        constants = new int[length];
        for (int i = 0; i < length; i++) {
            codes[i] = filter.get(ValueLayout.JAVA_INT_UNALIGNED, 8L * i);
            constants[i] = filter.get(ValueLayout.JAVA_INT_UNALIGNED, 8L * i + 4);
        }
    }

    /** Where one path stands. Scratch memory is not followed: what is loaded from there is unknown. */
    private record State(int at, OptionalInt a, OptionalInt x) {
        State to(int next) {
            return new State(next, a, x);
        }

        State withA(OptionalInt value) {
            return new State(at + 1, value, x);
        }

        State withX(OptionalInt value) {
            return new State(at + 1, a, value);
        }
    }

    /** Whether the call is let through whatever its arguments are. */
    boolean allows(int number) {
        Deque<State> pending = new ArrayDeque<>();
        Set<State> seen = new HashSet<>();
        pending.push(new State(0, OptionalInt.of(0), OptionalInt.of(0)));
        while (!pending.isEmpty()) {
            State state = pending.pop();
            if (!seen.add(state)) {
                continue;
            }
            if (seen.size() > MAX_STEPS || state.at() >= codes.length) {
                return false;
            }
            int code = codes[state.at()] & 0xffff;
            if ((code & 7) == 6) {
                OptionalInt result = (code & 0x18) == 0x10 ? state.a() : OptionalInt.of(constants[state.at()]);
                if (result.isEmpty() || !letsThrough(result.getAsInt())) {
                    return false;
                }
            } else if ((code & 7) == 5) {
                jump(state, code, pending);
            } else {
                pending.push(straight(state, code, number));
            }
        }
        return true;
    }

    private static boolean letsThrough(int result) {
        return (result & ACTION) == ALLOW || (result & ACTION) == LOG;
    }

    private void jump(State state, int code, Deque<State> pending) {
        int next = state.at() + 1;
        int k = constants[state.at()];
        if ((code & 0xf0) == 0) {
            pending.push(state.to(next + k));
            return;
        }
        int ifTrue = next + (codes[state.at()] >>> 16 & 0xff);
        int ifFalse = next + (codes[state.at()] >>> 24);
        OptionalInt right = (code & 8) != 0 ? state.x() : OptionalInt.of(k);
        if (state.a().isEmpty() || right.isEmpty()) {
            pending.push(state.to(ifTrue));
            pending.push(state.to(ifFalse));
            return;
        }
        boolean taken = compare(code & 0xf0, state.a().getAsInt(), right.getAsInt());
        pending.push(state.to(taken ? ifTrue : ifFalse));
    }

    private static boolean compare(int operation, int left, int right) {
        return switch (operation) {
            case 0x10 -> left == right;
            case 0x20 -> Integer.compareUnsigned(left, right) > 0;
            case 0x30 -> Integer.compareUnsigned(left, right) >= 0;
            default -> (left & right) != 0;
        };
    }

    private State straight(State state, int code, int number) {
        int k = constants[state.at()];
        return switch (code & 7) {
            case 0 -> state.withA(load(code, k, number));
            case 1 -> state.withX(load(code, k, number));
            case 4 -> state.withA(compute(code, state, k));
            case 7 -> (code & 0x80) != 0 ? state.withA(state.x()) : state.withX(state.a());
            default -> state.to(state.at() + 1);
        };
    }

    private static OptionalInt load(int code, int k, int number) {
        return switch (code & 0xe0) {
            case 0x00 -> OptionalInt.of(k);
            case 0x20 ->
                k == NUMBER_AT ? OptionalInt.of(number) : k == MACHINE_AT ? OptionalInt.of(MACHINE_X86_64) : UNKNOWN;
            case 0x80 -> OptionalInt.of(DATA_BYTES);
            default -> UNKNOWN;
        };
    }

    private static OptionalInt compute(int code, State state, int k) {
        OptionalInt right = (code & 8) != 0 ? state.x() : OptionalInt.of(k);
        if (state.a().isEmpty() || right.isEmpty()) {
            return UNKNOWN;
        }
        int a = state.a().getAsInt();
        int b = right.getAsInt();
        return switch (code & 0xf0) {
            case 0x00 -> OptionalInt.of(a + b);
            case 0x10 -> OptionalInt.of(a - b);
            case 0x40 -> OptionalInt.of(a | b);
            case 0x50 -> OptionalInt.of(a & b);
            case 0x60 -> Integer.compareUnsigned(b, 31) > 0 ? UNKNOWN : OptionalInt.of(a << b);
            case 0x70 -> Integer.compareUnsigned(b, 31) > 0 ? UNKNOWN : OptionalInt.of(a >>> b);
            case 0x80 -> OptionalInt.of(-a);
            case 0xa0 -> OptionalInt.of(a ^ b);
            default -> UNKNOWN;
        };
    }
}
