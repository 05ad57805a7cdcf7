package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;

/**
 * One end of a connected SOCK_SEQPACKET pair: packets, each with at most one descriptor. Owns the descriptor and its
 * buffers; one thread uses it. Sending and receiving allocate nothing.
 */
public final class PacketSocket implements AutoCloseable {
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int SHUT_WR = 1;
    private static final short POLLIN = 1;
    private static final long CONTROL_BYTES = 24;
    private static final int CONTROL_LENGTH = 20;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment header = arena.allocate(56, 8);
    private final MemorySegment vector = arena.allocate(16, 8);
    private final MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
    private final MemorySegment poll = arena.allocate(8, 8);
    private final MemorySegment time = arena.allocate(16, 8);
    private final NativeFd fd;

    /** Takes the ownership of {@code fd}. */
    public PacketSocket(NativeFd fd) {
        this.fd = fd;
    }

    /** Sends {@code payload} as one packet, with a descriptor when {@code passed} has one. */
    public void send(MemorySegment payload, OptionalInt passed) {
        prepare(payload);
        if (passed.isPresent()) {
            control.set(JAVA_LONG, 0, CONTROL_LENGTH);
            control.set(JAVA_INT, 8, 1);
            control.set(JAVA_INT, 12, 1);
            control.set(JAVA_INT, 16, passed.getAsInt());
            header.set(JAVA_LONG, 32, control.address());
            header.set(JAVA_LONG, 40, CONTROL_BYTES);
        }
        long sent = Syscall.SENDMSG.raw(fd.number(), header.address(), MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0, 0);
        Syscall.SENDMSG.checked(sent, "sending to " + "the target");
    }

    /** Receives one packet. @return its length, 0 at the end of file, or a negative errno ({@code -ETIMEDOUT}) */
    public long receive(MemorySegment into, long timeoutNanos) {
        poll.set(JAVA_INT, 0, fd.number());
        poll.set(JAVA_SHORT, 4, POLLIN);
        time.set(JAVA_LONG, 0, timeoutNanos / 1_000_000_000);
        time.set(JAVA_LONG, 8, timeoutNanos % 1_000_000_000);
        long ready = Syscall.PPOLL.raw(poll.address(), 1, time.address(), 0, 8, 0);
        if (ready <= 0) {
            return ready == 0 ? -Errno.ETIMEDOUT : ready;
        }
        prepare(into);
        return Syscall.RECVMSG.raw(fd.number(), header.address(), MSG_DONTWAIT, 0, 0, 0);
    }

    /** The peer reads an end of file from now on. */
    public void shutdownWrite() {
        Syscall.SHUTDOWN.raw(fd.number(), SHUT_WR, 0, 0, 0, 0);
    }

    private void prepare(MemorySegment payload) {
        header.fill((byte) 0);
        vector.set(JAVA_LONG, 0, payload.address());
        vector.set(JAVA_LONG, 8, payload.byteSize());
        header.set(JAVA_LONG, 16, vector.address());
        header.set(JAVA_LONG, 24, 1);
    }

    @Override
    public void close() {
        fd.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
