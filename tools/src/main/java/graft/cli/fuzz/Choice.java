package graft.cli.fuzz;

import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** Random choices with a liking for edges. Some registers can be frozen: they are read but not chosen as destination. */
final class Choice {
    private static final long[] EDGES = {
        0,
        1,
        2,
        -1,
        -2,
        31,
        32,
        33,
        63,
        64,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Integer.MIN_VALUE,
        0x0123_4567_89ab_cdefL
    };
    private static final int REGISTERS = 10;

    private final SplittableRandom random;
    private final Set<Reg> frozen = EnumSet.noneOf(Reg.class);

    Choice(long seed) {
        this.random = new SplittableRandom(seed);
    }

    long value() {
        return random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextLong() >> random.nextInt(64);
    }

    /** Fills {@code bytes} with values. */
    void fill(byte[] bytes) {
        java.nio.ByteBuffer words = java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= Long.BYTES) {
            words.putLong(value());
        }
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    boolean oneIn(int count) {
        return random.nextInt(count) == 0;
    }

    <T> T of(T[] values) {
        return values[random.nextInt(values.length)];
    }

    <T> T of(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    Width width() {
        return random.nextBoolean() ? Width.W32 : Width.W64;
    }

    /** A register to read: r0 to r9. */
    Reg source() {
        return Reg.of(random.nextInt(REGISTERS));
    }

    /** A register to write: r0 to r9, none that is frozen. */
    Reg destination() {
        Reg reg = source();
        while (frozen.contains(reg)) {
            reg = source();
        }
        return reg;
    }

    /** A register to write other than {@code taken}. */
    Reg destinationBut(Reg taken) {
        Reg reg = destination();
        while (reg == taken) {
            reg = destination();
        }
        return reg;
    }

    Operand operand() {
        return random.nextBoolean() ? new Operand.Src(source()) : new Operand.Imm((int) value());
    }

    boolean anyFrozen() {
        return !frozen.isEmpty();
    }

    boolean isFrozen(Reg reg) {
        return frozen.contains(reg);
    }

    void freeze(Reg reg) {
        frozen.add(reg);
    }

    void thaw(Reg reg) {
        frozen.remove(reg);
    }
}
