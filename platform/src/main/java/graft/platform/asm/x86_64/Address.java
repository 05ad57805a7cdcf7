package graft.platform.asm.x86_64;

import graft.platform.asm.Label;

/** A memory operand. */
public sealed interface Address extends RegMem {
    /** {@code [base + disp]}. */
    record Based(Gpr base, int disp) implements Address {}

    /** {@code [base + index * scale + disp]}; scale is 1, 2, 4 or 8, and rsp cannot be an index. */
    record Indexed(Gpr base, Gpr index, int scale, int disp) implements Address {
        /** Refuses what has no encoding. */
        public Indexed {
            if (index == Gpr.RSP) {
                throw new IllegalArgumentException("rsp cannot be an index");
            }
            if (Integer.bitCount(scale) != 1 || scale < 1 || scale > 8) {
                throw new IllegalArgumentException("scale " + scale + " is not 1, 2, 4 or 8");
            }
        }
    }

    /** An absolute address, encoded relative to the instruction: within ±2 GiB of the code. */
    record Absolute(long target) implements Address {}

    /** A place in the same buffer, encoded relative to the instruction. */
    record AtLabel(Label label) implements Address {}

    /** {@code fs:disp}: relative to the thread pointer. */
    record Thread(int disp) implements Address {}

    /** {@code [base]}. */
    static Address at(Gpr base) {
        return new Based(base, 0);
    }

    /** {@code [base + disp]}. */
    static Address at(Gpr base, int disp) {
        return new Based(base, disp);
    }

    /** {@code [base + index * scale + disp]}. */
    static Address at(Gpr base, Gpr index, int scale, int disp) {
        return new Indexed(base, index, scale, disp);
    }

    /** The memory at {@code target}. */
    static Address absolute(long target) {
        return new Absolute(target);
    }

    /** The memory at {@code label}. */
    static Address of(Label label) {
        return new AtLabel(label);
    }

    /** {@code fs:disp}. */
    static Address thread(int disp) {
        return new Thread(disp);
    }
}
