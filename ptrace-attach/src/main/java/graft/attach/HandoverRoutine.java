package graft.attach;

import static graft.platform.asm.x86_64.Address.at;
import static graft.platform.asm.x86_64.Address.of;
import static graft.platform.asm.x86_64.Gpr.*;
import static graft.platform.asm.x86_64.OpSize.B;
import static graft.platform.asm.x86_64.OpSize.D;
import static graft.platform.asm.x86_64.OpSize.Q;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.WordsLayout;
import java.util.OptionalInt;

/**
 * The code that one thread of the target runs for us. It ends with the thread's registers and signal mask, which the
 * tracer fills in when the thread has stopped, so that it can put the thread back by itself when nobody else does. It
 * never touches the thread's stack: the stack of a goroutine may have no room below its pointer.
 *
 * <p>What it does: maps one scratch page, makes a socket pair, publishes both descriptors in the page, then performs
 * the system calls of each received packet and sends the packet back with their results. After the packet that says so,
 * or when the peer is gone or says nothing for {@link #SERVE_NANOS}, it closes both descriptors and unmaps the page,
 * waits {@link #FINAL_NANOS} to be put back by the tracer, and otherwise puts itself back.
 */
final class HandoverRoutine {
    /** Offsets in the scratch page that the tracer reads. */
    private static final int NONCE = 0;

    private static final int RESULT = 8;
    private static final int SOCKETS = 16;

    /**
     * A request is the call's number, which its result replaces, six arguments, which of the passed descriptors takes
     * the place of the fifth (or -1), and whether this is the last packet.
     */
    static final int REQUEST_BYTES = 64;

    static final int ARGUMENTS = 8;
    static final int DESCRIPTOR = 56;
    static final int LAST = 60;

    /** Requests of one packet, and descriptors that it passes. */
    static final int BATCH = 32;

    static final long SERVE_NANOS = 900_000_000;
    static final long FINAL_NANOS = 150_000_000;

    private static final int POLLFD = 0x40;
    private static final int TIMEOUT = 0x50;
    private static final int HEADER = 0x80;
    private static final int VECTOR = 0xc0;
    private static final int CONTROL = 0x100;
    private static final int CONTROL_HEAD = 16;
    private static final int CONTROL_BYTES = CONTROL_HEAD + 4 * BATCH;
    private static final int REQUESTS = 0x400;
    private static final int REQUESTS_BYTES = BATCH * REQUEST_BYTES;
    private static final int NO_FD = -1;

    private static final int SYS_CLOSE = 3;
    private static final int SYS_MMAP = 9;
    private static final int SYS_MUNMAP = 11;
    private static final int SYS_RT_SIGPROCMASK = 14;
    private static final int SYS_SENDTO = 44;
    private static final int SYS_RECVMSG = 47;
    private static final int SYS_SOCKETPAIR = 53;
    private static final int SYS_SCHED_SETSCHEDULER = 144;
    private static final int SYS_PPOLL = 271;

    private static final Gpr[] RESTORED = {
        RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, RAX,
    };

    private final X64Assembler code;
    private final Label words = new Label("words");
    private final Label mask = new Label("mask");
    private final Label resume = new Label("resume");
    private final Label flags = new Label("flags");
    private final Label overflow = new Label("overflow");
    private final Label direction = new Label("direction");
    private final Label finalTime = new Label("finalTime");
    private final Label finish = new Label("finish");
    private final Label unmap = new Label("unmap");
    private final Label last = new Label("last");
    private final Label serve = new Label("serve");

    private HandoverRoutine(RemoteAddress address) {
        this.code = new X64Assembler(address.value());
    }

    /** Values that differ from one handover to the next, known before the thread stops. */
    record Values(RemoteAddress scratch, long nonce, OptionalInt policy) {}

    /** The bytes of the routine. The last {@link WordsLayout#SIZE} of them are for the tracer to fill in. */
    static byte[] emit(RemoteAddress address, Values values) {
        HandoverRoutine routine = new HandoverRoutine(address);
        routine.open(values);
        routine.serve();
        routine.perform();
        routine.reply();
        routine.close();
        routine.lowerPriority(values.policy());
        routine.putBack();
        routine.data();
        return routine.code.finish();
    }

    private void open(Values values) {
        code.mov(R12, values.scratch().value());
        code.op(Arith.XOR, D, R13, R13);
        code.mov(Q, RDI, R12);
        code.mov(RSI, 4096);
        code.mov(RDX, 3);
        code.mov(R10, 0x100022);
        code.mov(R8, -1);
        code.op(Arith.XOR, D, R9, R9);
        call(SYS_MMAP);
        code.op(Arith.CMP, Q, RAX, R12);
        code.jcc(Cond.NE, last);
        code.mov(RDI, 1);
        code.mov(RSI, 0x80005);
        code.op(Arith.XOR, D, RDX, RDX);
        code.lea(Q, R10, at(R12, SOCKETS));
        call(SYS_SOCKETPAIR);
        code.mov(Q, at(R12, RESULT), RAX);
        code.mov(RCX, values.nonce());
        code.mov(Q, at(R12, NONCE), RCX);
        code.test(D, RAX, RAX);
        code.jcc(Cond.S, unmap);
        code.mov(D, RBX, at(R12, SOCKETS));
        code.mov(D, RBP, at(R12, SOCKETS + 4));
    }

    private void serve() {
        code.bind(serve);
        code.mov(D, at(R12, POLLFD), RBX);
        code.mov(D, at(R12, POLLFD + 4), 1);
        code.mov(Q, at(R12, TIMEOUT), 0);
        code.mov(Q, at(R12, TIMEOUT + 8), (int) SERVE_NANOS);
        code.lea(Q, RDI, at(R12, POLLFD));
        code.mov(RSI, 1);
        code.lea(Q, RDX, at(R12, TIMEOUT));
        code.op(Arith.XOR, D, R10, R10);
        code.mov(R8, 8);
        call(SYS_PPOLL);
        code.test(D, RAX, RAX);
        code.jcc(Cond.LE, finish);
        receive();
    }

    /** Leaves the requests in the page, r14 at the first, r15 behind the last, in r13 how many descriptors came. */
    private void receive() {
        Label none = new Label("none");
        code.lea(Q, R14, at(R12, REQUESTS));
        code.mov(Q, at(R12, VECTOR), R14);
        code.mov(Q, at(R12, VECTOR + 8), REQUESTS_BYTES);
        code.mov(Q, at(R12, HEADER), 0);
        code.mov(Q, at(R12, HEADER + 8), 0);
        code.lea(Q, RAX, at(R12, VECTOR));
        code.mov(Q, at(R12, HEADER + 16), RAX);
        code.mov(Q, at(R12, HEADER + 24), 1);
        code.lea(Q, RAX, at(R12, CONTROL));
        code.mov(Q, at(R12, HEADER + 32), RAX);
        code.mov(Q, at(R12, HEADER + 40), CONTROL_BYTES);
        code.mov(D, RDI, RBX);
        code.lea(Q, RSI, at(R12, HEADER));
        code.mov(RDX, 0x40000040);
        call(SYS_RECVMSG);
        code.op(Arith.CMP, Q, RAX, REQUEST_BYTES);
        code.jcc(Cond.L, finish);
        code.lea(Q, R15, at(R14, RAX, 1, 0));
        // The daemon has its own duplicate by now: without ours, its death is an end of file here.
        closeUnlessNone(RBP);
        code.mov(RBP, NO_FD);
        code.op(Arith.XOR, D, R13, R13);
        code.op(Arith.CMP, Q, at(R12, HEADER + 40), CONTROL_HEAD);
        code.jcc(Cond.BE, none);
        code.mov(D, R13, at(R12, CONTROL));
        code.op(Arith.SUB, D, R13, CONTROL_HEAD);
        code.op(Shift.SHR, D, R13, 2);
        code.bind(none);
    }

    private void perform() {
        Label next = new Label("next");
        Label own = new Label("own fifth argument");
        code.bind(next);
        code.mov(Q, RDI, at(R14, ARGUMENTS));
        code.mov(Q, RSI, at(R14, ARGUMENTS + 8));
        code.mov(Q, RDX, at(R14, ARGUMENTS + 16));
        code.mov(Q, R10, at(R14, ARGUMENTS + 24));
        code.mov(Q, R8, at(R14, ARGUMENTS + 32));
        code.mov(Q, R9, at(R14, ARGUMENTS + 40));
        code.mov(D, RAX, at(R14, DESCRIPTOR));
        // Unsigned: -1 is none; one that the limit of descriptors kept away stays -1, and the call fails.
        code.op(Arith.CMP, D, RAX, R13);
        code.jcc(Cond.AE, own);
        code.mov(D, R8, at(R12, RAX, 4, CONTROL + CONTROL_HEAD));
        code.bind(own);
        code.mov(Q, RAX, at(R14));
        code.plain(Plain.SYSCALL);
        code.mov(Q, at(R14), RAX);
        code.lea(Q, R14, at(R14, REQUEST_BYTES));
        code.op(Arith.CMP, Q, R14, R15);
        code.jcc(Cond.B, next);
    }

    private void reply() {
        Label next = new Label("next descriptor");
        Label all = new Label("all closed");
        code.bind(next);
        code.op(Arith.SUB, D, R13, 1);
        code.jcc(Cond.S, all);
        code.mov(D, RDI, at(R12, R13, 4, CONTROL + CONTROL_HEAD));
        call(SYS_CLOSE);
        code.jmp(next);
        code.bind(all);
        code.mov(D, RDI, RBX);
        code.lea(Q, RSI, at(R12, REQUESTS));
        code.mov(Q, RDX, R15);
        code.op(Arith.SUB, Q, RDX, RSI);
        code.mov(R10, 0x4040);
        code.op(Arith.XOR, D, R8, R8);
        code.op(Arith.XOR, D, R9, R9);
        call(SYS_SENDTO);
        code.test(D, RAX, RAX);
        code.jcc(Cond.S, finish);
        code.op(Arith.CMP, D, at(R15, LAST - REQUEST_BYTES), 0);
        code.jcc(Cond.E, serve);
    }

    private void close() {
        code.bind(finish);
        closeUnlessNone(RBP);
        code.mov(D, RDI, RBX);
        call(SYS_CLOSE);
        // Unmapping is what the daemon waits for: everything else is closed when it happens.
        code.bind(unmap);
        code.mov(Q, RDI, R12);
        code.mov(RSI, 4096);
        call(SYS_MUNMAP);
        code.bind(last);
        code.op(Arith.XOR, D, RDI, RDI);
        code.op(Arith.XOR, D, RSI, RSI);
        code.lea(Q, RDX, of(finalTime));
        code.op(Arith.XOR, D, R10, R10);
        code.mov(R8, 8);
        call(SYS_PPOLL);
    }

    private void lowerPriority(OptionalInt policy) {
        if (policy.isPresent()) {
            code.op(Arith.XOR, D, RDI, RDI);
            code.mov(RSI, policy.getAsInt());
            // A priority of 0: the seconds of the time.
            code.lea(Q, RDX, of(finalTime));
            call(SYS_SCHED_SETSCHEDULER);
        }
    }

    private void putBack() {
        Label forward = new Label("forward");
        code.mov(RDI, 2);
        code.lea(Q, RSI, of(mask));
        code.op(Arith.XOR, D, RDX, RDX);
        code.mov(R10, 8);
        call(SYS_RT_SIGPROCMASK);
        code.mov(Q, RAX, of(direction));
        code.test(D, RAX, RAX);
        code.jcc(Cond.E, forward);
        code.bytes(new byte[] {(byte) 0xfd});
        code.bind(forward);
        // Overflow by an addition, the others by sahf; nothing below changes flags, and nothing uses the stack.
        code.mov(Q, RAX, of(overflow));
        code.op(Arith.ADD, B, RAX, 1);
        code.mov(Q, RAX, of(flags));
        code.plain(Plain.SAHF);
        code.lea(Q, RAX, of(words));
        for (int i = 0; i < RESTORED.length; i++) {
            code.mov(Q, RESTORED[i], at(RAX, i * 8));
        }
        code.jmp(Address.of(resume));
    }

    /** The end is a {@code struct graft_words}. */
    private void data() {
        code.align(8);
        code.bind(finalTime);
        code.data64(0);
        code.data64(FINAL_NANOS);
        code.bind(words);
        for (int i = 0; i < RESTORED.length; i++) {
            code.data64(0);
        }
        for (Label word : new Label[] {resume, mask, flags, overflow, direction}) {
            code.bind(word);
            code.data64(0);
        }
    }

    private void closeUnlessNone(Gpr fd) {
        Label none = new Label("no descriptor");
        code.test(D, fd, fd);
        code.jcc(Cond.S, none);
        code.mov(D, RDI, fd);
        call(SYS_CLOSE);
        code.bind(none);
    }

    private void call(int number) {
        code.mov(RAX, number);
        code.plain(Plain.SYSCALL);
    }
}
