package graft.ebpf.interp;

import graft.ebpf.insn.MemSize;
import java.util.function.LongBinaryOperator;

/** The memory that an interpreted program sees. Values are little-endian and zero-extended. */
public interface Memory {
    /**
     * Reads {@code size} bytes.
     *
     * @throws ProgramFault when they are not all inside one region
     */
    long read(long address, MemSize size);

    /**
     * Writes the low bytes of {@code value}.
     *
     * @throws ProgramFault when they are not all inside one region
     */
    void write(long address, MemSize size, long value);

    /**
     * An atomic operation: stores what {@code change} makes of what is there and {@code operand}. One step where others work on the
     * same memory.
     *
     * @return what was there
     * @throws ProgramFault when the bytes are not all inside one region
     */
    default long change(long address, MemSize size, LongBinaryOperator change, long operand) {
        long old = read(address, size);
        write(address, size, change.applyAsLong(old, operand));
        return old;
    }
}
