package graft.uprobe.usdt;

import java.util.Optional;

/** Where one argument of a static probe is. */
public sealed interface UsdtArgument {
    /** A number in the code itself. */
    record Constant(long value, Shape shape) implements UsdtArgument {}

    /** In a register. */
    record Register(PtRegister register, Shape shape) implements UsdtArgument {}

    /** In memory, at {@code base + displacement}. */
    record Memory(PtRegister base, long displacement, Shape shape) implements UsdtArgument {}

    /** In memory, at {@code base + (index << scale) + displacement}. */
    record Indexed(PtRegister base, PtRegister index, int scale, long displacement, Shape shape)
            implements UsdtArgument {}

    /** Somewhere that a program cannot read: a vector register, or a form that is not known. */
    record Unreadable(String text) implements UsdtArgument {}

    /** How many bytes it has, and how it becomes eight. */
    record Shape(int bytes, Sign sign) {}

    /** What the bytes before the value hold. */
    enum Sign {
        SIGNED,
        UNSIGNED
    }

    /** Where symbols of the file are, for arguments relative to the instruction: {@code counter(%rip)}. */
    @FunctionalInterface
    interface Symbols {
        /** How far the symbol is from the probe's place. */
        Optional<Long> distance(String symbol);
    }
}
