package graft.attach;

import static graft.platform.asm.x86_64.Address.of;
import static graft.platform.asm.x86_64.Gpr.RAX;
import static graft.platform.asm.x86_64.Gpr.RDI;
import static graft.platform.asm.x86_64.Gpr.RSI;
import static graft.platform.asm.x86_64.OpSize.D;
import static graft.platform.asm.x86_64.OpSize.Q;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Ptrace;
import graft.platform.linux.UserRegs;
import java.lang.foreign.MemorySegment;

/**
 * Holds a program that has just been executed: it sleeps in a loop behind the end of its text or, where the last page has no
 * room, in place of its first instructions, so it can be let go by its tracer and be attached to like any other process. The
 * loop ends the program when its parent is no longer this process: nobody would release it.
 */
final class EntryHold {
    private static final long RELEASE_NANOS = 5_000_000_000L;
    private static final int SYS_NANOSLEEP = 35;
    private static final int SYS_GETPPID = 110;
    private static final int SYS_EXIT_GROUP = 231;
    private static final int KILLED = 137;
    private static final long PAUSE_NANOS = 500_000;

    private final int pid;
    private final RemoteAddress place;
    private final byte[] original;
    private final MemorySegment registers;

    private EntryHold(int pid, RemoteAddress place, byte[] original, MemorySegment registers) {
        this.pid = pid;
        this.place = place;
        this.original = original;
        this.registers = registers;
    }

    /** The thread is in its exec stop. @param registers a buffer of {@link UserRegs#SIZE}, kept until the release */
    static EntryHold place(int pid, MemorySegment registers) {
        Ptrace.getRegs(pid, registers);
        RemoteAddress entry = new RemoteAddress(UserRegs.RIP.get(registers));
        int size = loop(entry).length;
        RemoteAddress place = TextEnd.room(pid, entry, size).orElse(entry);
        try (ProcMem memory = ProcMem.open(pid)) {
            byte[] original = memory.readBytes(place, size);
            memory.writeBytes(place, loop(place));
            UserRegs.RIP.set(registers, place.value());
            Ptrace.setRegs(pid, registers);
            UserRegs.RIP.set(registers, entry.value());
            UserRegs.ORIG_RAX.set(registers, -1);
            return new EntryHold(pid, place, original, registers);
        }
    }

    private static byte[] loop(RemoteAddress place) {
        X64Assembler code = new X64Assembler(place.value());
        Label again = new Label("again");
        Label orphan = new Label("orphan");
        Label time = new Label("time");
        code.bind(again);
        code.mov(RAX, SYS_GETPPID);
        code.plain(Plain.SYSCALL);
        code.op(Arith.CMP, D, RAX, (int) ProcessHandle.current().pid());
        code.jcc(Cond.NE, orphan);
        code.lea(Q, RDI, of(time));
        code.op(Arith.XOR, D, RSI, RSI);
        code.mov(RAX, SYS_NANOSLEEP);
        code.plain(Plain.SYSCALL);
        code.jmp(again);
        code.bind(orphan);
        code.mov(RDI, KILLED);
        code.mov(RAX, SYS_EXIT_GROUP);
        code.plain(Plain.SYSCALL);
        code.bind(time);
        code.data64(0);
        code.data64(PAUSE_NANOS);
        return code.finish();
    }

    /** Lets the program begin, with the registers that the kernel gave it. */
    void release() {
        TracerThread.call("release-" + pid, () -> {
            try (Tracees tracees = new Tracees(pid, 0);
                    ProcMem memory = ProcMem.open(pid)) {
                TracedThread leader = tracees.seizeLeader();
                tracees.stop(leader, System.nanoTime() + RELEASE_NANOS);
                memory.writeBytes(place, original);
                leader.registers.copyFrom(registers);
                leader.writeRegisters();
                tracees.detachAll();
                return pid;
            }
        });
    }
}
