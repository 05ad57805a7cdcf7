package graft.ebpf.jit.ir;

import java.util.Arrays;
import java.util.function.Consumer;

/** A set of the variables of one function, whose numbers are all known when it is made. */
public final class VarSet implements Consumer<Var> {
    private final long[] words;

    /** An empty set for variables with numbers below {@code vars}. */
    public VarSet(int vars) {
        this.words = new long[(vars + Long.SIZE - 1) / Long.SIZE];
    }

    private VarSet(long[] words) {
        this.words = words;
    }

    static VarSet of(long[] rows, int from, int to) {
        return new VarSet(Arrays.copyOfRange(rows, from, to));
    }

    /** Another set with the same variables. */
    public VarSet copy() {
        return new VarSet(words.clone());
    }

    /** Whether the variable with a number is in it. */
    public boolean contains(int number) {
        return (words[number / Long.SIZE] & 1L << number) != 0;
    }

    /** Adds the variable with a number. */
    public void add(int number) {
        words[number / Long.SIZE] |= 1L << number;
    }

    /** Takes out the variable with a number. */
    public void remove(int number) {
        words[number / Long.SIZE] &= ~(1L << number);
    }

    /** Adds what is in {@code other}, a set of the same function. */
    public void addAll(VarSet other) {
        for (int word = 0; word < words.length; word++) {
            words[word] |= other.words[word];
        }
    }

    void addRow(long[] rows, int from) {
        for (int word = 0; word < words.length; word++) {
            words[word] |= rows[from + word];
        }
    }

    /** The smallest number in it that is at least {@code from}, or -1. */
    public int next(int from) {
        int word = from / Long.SIZE;
        if (word >= words.length) {
            return -1;
        }
        long left = words[word] & -1L << from;
        while (left == 0) {
            if (++word == words.length) {
                return -1;
            }
            left = words[word];
        }
        return word * Long.SIZE + Long.numberOfTrailingZeros(left);
    }

    /** Adds {@code var}, as {@link Op#uses} asks for. */
    @Override
    public void accept(Var var) {
        add(var.number());
    }
}
