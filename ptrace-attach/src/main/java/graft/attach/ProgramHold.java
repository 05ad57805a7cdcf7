package graft.attach;

import static graft.platform.asm.x86_64.Address.of;
import static graft.platform.asm.x86_64.Gpr.R11;
import static graft.platform.asm.x86_64.Gpr.RAX;
import static graft.platform.asm.x86_64.Gpr.RBX;
import static graft.platform.asm.x86_64.Gpr.RCX;
import static graft.platform.asm.x86_64.Gpr.RDI;
import static graft.platform.asm.x86_64.Gpr.RSI;
import static graft.platform.asm.x86_64.OpSize.D;
import static graft.platform.asm.x86_64.OpSize.Q;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.linux.Errno;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Ptrace;
import graft.platform.linux.UserRegs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Holds a program that somebody else has executed: it sleeps in a loop behind the end of its text, in the rest of the last
 * page, so it can be let go by its tracer and be attached to like any other process. When it is not released in time, or
 * when this process is gone, it begins by itself.
 */
public final class ProgramHold {
    private static final long RELEASE_NANOS = 5_000_000_000L;
    private static final int SYS_NANOSLEEP = 35;
    private static final int SYS_KILL = 62;
    private static final long PAUSE_NANOS = 500_000;
    private static final int PAUSES = 20_000;
    /** Everything that the loop uses; the kernel begins a program with zeros. */
    private static final List<Gpr> USED = List.of(RAX, RBX, RCX, RDI, RSI, R11);

    private final int pid;
    private final RemoteAddress place;
    private final byte[] original;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment registers = arena.allocate(UserRegs.SIZE, 8);

    private ProgramHold(int pid, RemoteAddress place, byte[] original) {
        this.pid = pid;
        this.place = place;
        this.original = original;
    }

    /** The thread is in its exec stop, and is sent into the loop. Nothing when its text leaves no room. */
    static Optional<ProgramHold> place(int pid) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment current = temporary.allocate(UserRegs.SIZE, 8);
            Ptrace.getRegs(pid, current);
            RemoteAddress entry = new RemoteAddress(UserRegs.RIP.get(current));
            int size = loop(entry, entry).length;
            Optional<RemoteAddress> room = TextEnd.room(pid, entry, size);
            if (room.isEmpty()) {
                return Optional.empty();
            }
            try (ProcMem memory = ProcMem.open(pid)) {
                ProgramHold hold = new ProgramHold(pid, room.get(), memory.readBytes(room.get(), size));
                hold.registers.copyFrom(current);
                UserRegs.ORIG_RAX.set(hold.registers, -1);
                memory.writeBytes(room.get(), loop(room.get(), entry));
                UserRegs.RIP.set(current, room.get().value());
                UserRegs.RBX.set(current, PAUSES);
                Ptrace.setRegs(pid, current);
                return Optional.of(hold);
            }
        }
    }

    private static byte[] loop(RemoteAddress at, RemoteAddress entry) {
        X64Assembler code = new X64Assembler(at.value());
        Label again = new Label("again");
        Label begin = new Label("begin");
        Label time = new Label("time");
        code.bind(again);
        code.mov(RDI, (int) ProcessHandle.current().pid());
        code.op(Arith.XOR, D, RSI, RSI);
        code.mov(RAX, SYS_KILL);
        code.plain(Plain.SYSCALL);
        code.op(Arith.CMP, D, RAX, -Errno.ESRCH);
        code.jcc(Cond.E, begin);
        code.lea(Q, RDI, of(time));
        code.mov(RAX, SYS_NANOSLEEP);
        code.plain(Plain.SYSCALL);
        code.op(Arith.SUB, D, RBX, 1);
        code.jcc(Cond.NE, again);
        code.bind(begin);
        USED.forEach(register -> code.op(Arith.XOR, D, register, register));
        code.jmp(entry.value());
        code.bind(time);
        code.data64(0);
        code.data64(PAUSE_NANOS);
        return code.finish();
    }

    public int pid() {
        return pid;
    }

    /** Lets the program begin, with the registers that the kernel gave it. To be called once. */
    public void release() {
        TracerThread.call("release-" + pid, () -> {
            try (Tracees tracees = new Tracees(pid, 0);
                    ProcMem memory = ProcMem.open(pid)) {
                TracedThread leader = tracees.seizeLeader();
                tracees.stop(leader, System.nanoTime() + RELEASE_NANOS);
                Ptrace.getRegs(pid, leader.registers);
                long at = UserRegs.RIP.get(leader.registers) - place.value();
                if (at >= 0 && at < original.length) {
                    leader.registers.copyFrom(registers);
                    leader.writeRegisters();
                }
                memory.writeBytes(place, original);
                tracees.detachAll();
                return pid;
            } finally {
                arena.close();
            }
        });
    }
}
