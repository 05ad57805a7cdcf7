package graft.ebpf.insn;

import java.util.Optional;

/**
 * Atomic read-modify-write operations (RFC 9669 §5.3), with how each is encoded and written. XCHG and CMPXCHG always
 * fetch.
 */
public enum AtomicOp {
    ADD(0x00, "+=", "fetch_add"),
    OR(0x40, "|=", "fetch_or"),
    AND(0x50, "&=", "fetch_and"),
    XOR(0xa0, "^=", "fetch_xor"),
    XCHG(0xe0, "", "xchg"),
    CMPXCHG(0xf0, "", "cmpxchg");

    private static final AtomicOp[] ALL = values();

    private final int code;
    private final String symbol;
    private final String function;

    AtomicOp(int code, String symbol, String function) {
        this.code = code;
        this.symbol = symbol;
        this.function = function;
    }

    /** The immediate without the bit that says whether the old value is fetched. */
    int code() {
        return code;
    }

    /** Whether there is a form without the old value. */
    public boolean alwaysFetches() {
        return symbol.isEmpty();
    }

    /** As written when nothing is fetched; empty for those that always fetch. */
    public String symbol() {
        return symbol;
    }

    /** As written behind {@code atomic_} when the old value is fetched. */
    public String function() {
        return function;
    }

    /** The operation of a code. */
    static Optional<AtomicOp> of(int code) {
        for (AtomicOp op : ALL) {
            if (op.code == code) {
                return Optional.of(op);
            }
        }
        return Optional.empty();
    }
}
