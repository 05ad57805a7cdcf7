package graft.ebpf.interp;

import graft.ebpf.insn.MemSize;

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
}
