package graft.daemon.image;

import graft.daemon.LinkRequest;
import graft.rewriter.plan.SyscallPlace;
import graft.rewriter.stub.ProbeKind;
import graft.rewriter.stub.StubWriter;
import graft.rewriter.stub.SyscallStubWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Everything that a session wants at one system call of one function. */
final class SyscallProbes {
    /** A window of five bytes has no more instructions. */
    private static final int MAX_DISPLACED = 5;

    private final SyscallPlace call;
    private final List<Wanted> onEnter = new ArrayList<>();
    private final List<Wanted> onExit = new ArrayList<>();

    /**
     * A program here.
     *
     * @param only the number that it is for; empty: every number
     */
    record Wanted(CheckedProgram program, ProbeKind kind, OptionalInt only, long cookie) {}

    SyscallProbes(SyscallPlace call) {
        this.call = call;
    }

    /** Adds a program; at a call that is always the same nothing has to be compared. */
    void add(LinkRequest.Syscall link, CheckedProgram program, OptionalInt number) {
        OptionalInt only = call.number().isPresent() ? OptionalInt.empty() : number;
        Wanted wanted = new Wanted(program, kind(link.edge(), program), only, link.cookie());
        switch (link.edge()) {
            case ENTER -> onEnter.add(wanted);
            case EXIT -> onExit.add(wanted);
        }
    }

    private static ProbeKind kind(LinkRequest.Edge edge, CheckedProgram program) {
        return switch (program.spec().type()) {
            case RAW_SYSCALL_ENTER -> ProbeKind.SYSCALL_ENTER_RAW;
            case RAW_SYSCALL_EXIT -> ProbeKind.SYSCALL_EXIT_RAW;
            case KSYSCALL -> ProbeKind.SYSCALL_ENTER_WRAPPED;
            case KRETSYSCALL -> ProbeKind.SYSCALL_EXIT_REGISTERS;
            case SYSCALL_ENTER, SYSCALL_EXIT, UPROBE, URETPROBE, UPROBE_SESSION, USDT, KERNEL_TRACEPOINT, OTHER ->
                switch (edge) {
                    case ENTER -> ProbeKind.SYSCALL_ENTER;
                    case EXIT -> ProbeKind.SYSCALL_EXIT;
                };
        };
    }

    SyscallPlace call() {
        return call;
    }

    List<Wanted> onEnter() {
        return List.copyOf(onEnter);
    }

    List<Wanted> onExit() {
        return List.copyOf(onExit);
    }

    /** What is written for one side may be thrown away for a stub that the next call shares. */
    long maxStubBytes() {
        long stubs = (long) SyscallStubWriter.maxBytes(onEnter.size(), MAX_DISPLACED)
                + SyscallStubWriter.maxBytes(onExit.size(), MAX_DISPLACED);
        return 2 * (stubs + 2 * StubWriter.MAX_ROOM_BYTES);
    }
}
