package graft.ebpf.jit.ir;

import java.util.stream.IntStream;

/**
 * A variable. The first few are fixed: they are the places where the C convention passes arguments (1 to 5) and results
 * (0), and live only from a move to a call or from a call to a move.
 *
 * @param number distinguishes variables of a function
 * @param home the eBPF register that the value had, or {@link #NO_HOME}
 */
public record Var(int number, int home) implements Value {
    /** Made by a pass. */
    public static final int NO_HOME = -1;

    /** Numbers below are fixed, or eBPF registers before live ranges are told apart. */
    public static final int FIRST_FREE = 16;

    private static final Var[] FIXED = IntStream.range(0, FIRST_FREE)
            .mapToObj(number -> new Var(number, number))
            .toArray(Var[]::new);

    /** The fixed variable of eBPF register {@code register}. */
    public static Var fixed(int register) {
        return FIXED[register];
    }

    /** Whether the place of the variable is given by the C convention. */
    public boolean isFixed() {
        return number < FIRST_FREE;
    }

    @Override
    public String toString() {
        return isFixed() ? "A" + number : "v" + number + (home == NO_HOME ? "" : "(r" + home + ")");
    }
}
