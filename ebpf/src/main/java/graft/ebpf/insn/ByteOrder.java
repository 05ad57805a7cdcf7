package graft.ebpf.insn;

/** Conversions of RFC 9669 §4.2: to little endian, to big endian, unconditional swap. */
public enum ByteOrder {
    TO_LE,
    TO_BE,
    SWAP
}
