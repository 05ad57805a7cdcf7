package graft.cli.vm;

import graft.ebpf.object.ProgSpec;

/** Something that runs programs. One run at a time. */
public interface Engine extends AutoCloseable {
    /**
     * Runs {@code program} once.
     *
     * @param memory what r1 points to, r2 being its length; empty for r1 = 0. Not changed: see {@link Outcome.Returned}
     */
    Outcome run(ProgSpec program, byte[] memory);

    /** Gives back what it holds. Safe to call twice. */
    @Override
    void close();
}
