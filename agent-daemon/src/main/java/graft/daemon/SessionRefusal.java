package graft.daemon;

import graft.attach.Refusal;
import graft.ebpf.jit.Compilation;
import graft.ebpf.object.MapType;
import graft.ebpf.verifier.Rejection;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import java.util.List;

/** Why a session was not opened. Nothing of any target is changed when one is returned. */
public sealed interface SessionRefusal {
    /** The object has no program that could be attached as asked. {@code programs} lists what it has. */
    record NothingToAttach(String origin, List<String> programs) implements SessionRefusal {}

    /** A link names a program that the object does not have. */
    record NoSuchProgram(String program, List<String> programs) implements SessionRefusal {}

    /** A map of a type or size that graft does not offer. */
    record MapRefused(String map, String why, String suggestion) implements SessionRefusal {}

    /** A program that only the kernel can run is wanted in the processes. */
    record WrongPlace(String program, String section) implements SessionRefusal {}

    /** A program that leaves functions of processes is wanted in the kernel, which can do that to its own functions only. */
    record NotInKernel(String program) implements SessionRefusal {}

    /** Programs in the kernel and in the processes use one map of a type that cannot be shared between them. */
    record MapNotShared(String map, MapType type) implements SessionRefusal {}

    /** The verifier could not prove a program safe. */
    record ProgramRejected(Rejection rejection) implements SessionRefusal {}

    /** A program uses something that compiled code does not offer. */
    record ProgramNotCompiled(Compilation.Refused refused) implements SessionRefusal {}

    /** A probe's name leads nowhere in a target. */
    record ProbeNotFound(int pid, Resolution resolution) implements SessionRefusal {}

    /** A library is to be waited for in a process whose loader cannot be watched. */
    record LoaderNotWatched(int pid, Probe probe, String reason) implements SessionRefusal {}

    /** There is no system call of this name. */
    record NoSuchSyscall(String name) implements SessionRefusal {}

    /** No file of a target makes the call. */
    record NoSyscallSite(int pid, String name) implements SessionRefusal {}

    /** No free addresses within reach of a module. */
    record NoRoom(int pid, String module) implements SessionRefusal {}

    /** A place cannot be patched safely. */
    record SiteRefused(int pid, String site, String why, String suggestion) implements SessionRefusal {}

    /** Code cannot be replaced there, or by what was given. */
    record PatchRefused(int pid, String site, String why, String suggestion) implements SessionRefusal {}

    /** Programs ask for control groups, and graft does not see those of a target. */
    record GroupNotSeen(int pid, String why) implements SessionRefusal {}

    /** A target cannot be attached to. */
    record TargetRefused(int pid, Refusal refusal) implements SessionRefusal {}

    /** A target ended meanwhile. */
    record TargetGone(int pid, String during) implements SessionRefusal {}
}
