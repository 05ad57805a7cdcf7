package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Locked;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;

/**
 * {@code bpf_ringbuf_reserve} in place, for a ring whose lock is free and which has room: the stores of the agent's {@code
 * reserve}, in its order, so that a death in between is finished as one there. For all else the lock is given back and the
 * helper called, which counts what is lost. What can be computed before the lock is: loads behind a locked instruction wait for
 * it.
 *
 * <pre>
 *   rdi, rsi, rdx    ring, size, flags: kept for the helper
 *   rax              0, then the producers' position, then the record
 *   r8               room for the record, then the position behind it
 *   r9               the reader's position
 *   rcx              the thread as the lock's owner, then scratch
 *   second scratch   the ring's beginning
 * </pre>
 */
final class ReserveEmitter {
    /**
     * So far behind the record a line is asked for: one that the reader, or what else ran since the last time round, has taken out
     * of this processor's cache. The locked instruction of the next record would wait for it.
     */
    private static final int AHEAD = 2048;

    private static final Gpr SIZE = Gpr.RSI;
    private static final Gpr FLAGS = Gpr.RDX;
    private static final Gpr RESULT = Gpr.RAX;
    private static final Gpr END = Gpr.R8;
    private static final Gpr CONSUMED = Gpr.R9;
    private static final Gpr TEMPORARY = Gpr.RCX;
    private static final Gpr RING = Registers.SECOND;

    private final Emission emission;
    private final X64Assembler asm;
    private final MapBinding map;

    ReserveEmitter(Emission emission, String map) {
        this.emission = emission;
        this.asm = emission.asm();
        this.map = emission.binding().maps().get(map);
    }

    private static Address ring(int offset) {
        return Address.at(RING, offset);
    }

    /** The arguments are where the helper takes them. */
    void reserve() {
        Label full = new Label("no room");
        Label other = new Label("not in place");
        Label done = new Label("reserved or not");
        prepare(other);
        asm.locked(Locked.CMPXCHG, OpSize.Q, ring(RingLayout.LOCK), TEMPORARY);
        asm.jcc(Cond.NE, other, Reach.NEAR);
        asm.mov(OpSize.Q, RESULT, ring(MapConstants.RING_PRODUCER_OFFSET));
        asm.op(Arith.ADD, OpSize.Q, END, RESULT);
        requireRoomBehind(CONSUMED, full);
        asm.mov(OpSize.Q, CONSUMED, ring(RingLayout.PENDING));
        requireRoomBehind(CONSUMED, full);
        publish();
        asm.jmp(done, Reach.SHORT);
        asm.bind(full);
        asm.mov(OpSize.Q, ring(RingLayout.LOCK), 0);
        asm.bind(other);
        emission.call(Helper.RINGBUF_RESERVE);
        asm.bind(done);
    }

    /** All that needs no lock. */
    private void prepare(Label other) {
        TargetBinding target = emission.binding();
        asm.test(OpSize.Q, FLAGS, FLAGS);
        asm.jcc(Cond.NE, other, Reach.NEAR);
        asm.op(Arith.CMP, OpSize.Q, SIZE, Math.min(map.maxEntries() - RecordLayout.SIZE, MapConstants.RECORD_LENGTH));
        asm.jcc(Cond.A, other, Reach.NEAR);
        asm.lea(OpSize.Q, END, Address.at(SIZE, RecordLayout.SIZE + Long.BYTES - 1));
        asm.op(Arith.AND, OpSize.Q, END, -Long.BYTES);
        emission.loadAddress(RING, map.data() - MapConstants.RING_DATA_OFFSET);
        asm.mov(OpSize.Q, CONSUMED, ring(MapConstants.RING_CONSUMER_OFFSET));
        asm.mov(OpSize.D, TEMPORARY, Address.thread(target.tidOffset().orElseThrow()));
        asm.mov(Registers.SCRATCH, (long) target.tgid().orElseThrow() << Integer.SIZE);
        asm.op(Arith.OR, OpSize.Q, TEMPORARY, Registers.SCRATCH);
        asm.op(Arith.XOR, OpSize.D, RESULT, RESULT);
    }

    /** What is between {@code position} and the end of the record must fit into the ring. */
    private void requireRoomBehind(Gpr position, Label full) {
        asm.mov(OpSize.Q, TEMPORARY, END);
        asm.op(Arith.SUB, OpSize.Q, TEMPORARY, position);
        asm.op(Arith.CMP, OpSize.Q, TEMPORARY, map.maxEntries());
        asm.jcc(Cond.A, full, Reach.SHORT);
    }

    /** The header, then the position that shows it, then the lock. */
    private void publish() {
        asm.op(Arith.AND, OpSize.D, RESULT, map.maxEntries() - 1);
        asm.lea(OpSize.Q, RESULT, Address.at(RING, RESULT, 1, MapConstants.RING_DATA_OFFSET));
        asm.mov(TEMPORARY, busyHeader());
        asm.op(Arith.OR, OpSize.Q, TEMPORARY, SIZE);
        asm.mov(OpSize.Q, Address.at(RESULT), TEMPORARY);
        asm.mov(OpSize.Q, ring(MapConstants.RING_PRODUCER_OFFSET), END);
        asm.mov(OpSize.Q, ring(RingLayout.LOCK), 0);
        if (emission.has(MachineFeature.PREFETCHW)) {
            asm.prefetchw(Address.at(RESULT, AHEAD)); // the data are mapped twice, and the smallest ring is a page
        }
        asm.op(Arith.ADD, OpSize.Q, RESULT, RecordLayout.SIZE);
    }

    /** Both words of the header of a record without its length. */
    private long busyHeader() {
        int ownerMask = (1 << MapConstants.RECORD_OWNER_BITS) - 1;
        int owner = emission.binding().tgid().orElseThrow() & ownerMask
                | map.number().orElseThrow() << MapConstants.RECORD_OWNER_BITS;
        return (long) owner << Integer.SIZE | MapConstants.RECORD_BUSY & 0xffffffffL;
    }
}
