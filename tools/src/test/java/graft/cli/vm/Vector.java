package graft.cli.vm;

import graft.ebpf.insn.InsnList;
import java.util.HexFormat;
import java.util.Optional;

/**
 * A program, what it is given and what it must leave.
 *
 * @param memory what r1 points to; empty for nothing
 * @param after the memory at the end, when the vector says it
 * @param kernel whether the kernel takes the program
 */
record Vector(String name, InsnList insns, byte[] memory, long r0, Optional<byte[]> after, Kernel kernel) {
    /** What the kernel says about it. */
    enum Kernel {
        TAKES,
        REFUSES
    }

    /** What is expected, as text to compare. */
    String expected() {
        return text(r0, after.orElse(memory));
    }

    /** A result as text; memory counts only if the vector says something about it. */
    String text(long result, byte[] left) {
        return "%x %s".formatted(result, after.isPresent() ? HexFormat.of().formatHex(left) : "");
    }

    @Override
    public String toString() {
        return name;
    }
}
