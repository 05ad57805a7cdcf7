package graft.cli;

import graft.attach.Refusal;
import graft.bridge.KernelLoad;
import graft.cli.error.Problem;
import graft.daemon.KernelSession;
import graft.daemon.SessionRefusal;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ProgSpec.SourceLine;
import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Rejection;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import java.util.List;
import java.util.stream.Collectors;

/** Turns refusals of the lower layers into coded messages. */
final class SessionProblems {
    private static final int SHOWN = 6;
    private static final String SOURCE = "source: ";

    private SessionProblems() {}

    /** A session that was not opened. */
    static Problem of(SessionRefusal refusal) {
        return switch (refusal) {
            case SessionRefusal.NothingToAttach(var origin, var programs) ->
                Problem.of("L007", "nothing to attach in " + origin)
                        .because("its programs name no place: " + shorten(programs));
            case SessionRefusal.NoSuchProgram(var program, var programs) ->
                Problem.of("L007", "no program " + program).because("the object has: " + shorten(programs));
            case SessionRefusal.MapRefused(var map, var why, var suggestion) ->
                Problem.of("M001", "map " + map + " cannot be created")
                        .because(why)
                        .remedy(suggestion);
            case SessionRefusal.WrongPlace(var program, var section) ->
                Problem.of("L008", "program " + program + " cannot run in a process")
                        .because("its section is " + section);
            case SessionRefusal.NotInKernel(var program) ->
                Problem.of("L011", "program " + program + " cannot run in the kernel")
                        .because("it calls bpf_override_return, which there leaves functions of the kernel only");
            case SessionRefusal.MapNotShared(var map, var type) ->
                Problem.of("M003", "map " + map + " cannot be shared between the kernel and processes")
                        .because("it is used on both sides, and it is a " + type);
            case SessionRefusal.ProgramRejected(var rejection) -> of(rejection);
            case SessionRefusal.ProgramNotCompiled(var refused) -> Problem.of("V003", refused.toString());
            case SessionRefusal.ProbeNotFound(var pid, var resolution) -> of(pid, resolution);
            case SessionRefusal.LoaderNotWatched(var pid, var probe, var reason) ->
                Problem.of("A014", "cannot wait for the library of " + probe + " (pid " + pid + ")")
                        .because(reason);
            case SessionRefusal.NoSuchSyscall(var name) -> Problem.of("A009", "no system call " + name);
            case SessionRefusal.NoSyscallSite(var pid, var name) ->
                Problem.of("A010", "cannot hook " + name + " in process " + pid)
                        .because("none of its files makes this call");
            case SessionRefusal.NoRoom(var pid, var module) ->
                Problem.of("A007", "cannot place code near " + module + " (pid " + pid + ")");
            case SessionRefusal.SiteRefused(var pid, var site, var why, var suggestion) ->
                Problem.of("A004", "cannot probe " + site + " (pid " + pid + ")")
                        .because(why)
                        .remedy(suggestion);
            case SessionRefusal.PatchRefused(var pid, var site, var why, var suggestion) ->
                Problem.of("A016", "cannot patch " + site + " (pid " + pid + ")")
                        .because(why)
                        .remedy(suggestion);
            case SessionRefusal.GroupNotSeen(var pid, var why) ->
                Problem.of("A017", "cannot tell the control group of process " + pid)
                        .because(why);
            case SessionRefusal.TargetRefused(var pid, var reason) -> of(pid, reason);
            case SessionRefusal.TargetGone(var pid, var during) ->
                Problem.of("T002", "process " + pid + " ended meanwhile").because(during);
        };
    }

    /** A kernel session that was not opened. */
    static Problem of(KernelSession.Opening opening) {
        return switch (opening) {
            case KernelSession.Opening.Rejected(var rejection) -> of(rejection);
            case KernelSession.Opening.Refused(var what, var why, var suggestion) ->
                Problem.of("D004", what).because(why).remedy(suggestion);
            case KernelSession.Opening.NotFound(var refusal) -> of(refusal);
            case KernelSession.Opening.Opened opened -> throw new AssertionError("not a refusal: " + opened);
        };
    }

    private static Problem of(Rejection rejection) {
        String code = rejection.cause() == Cause.UNSUPPORTED
                ? "V003"
                : rejection.cause() == Cause.NOT_ALLOWED ? "V007" : "V001";
        Problem problem = Problem.of(code, rejection.headline());
        for (String line : rejection.details().lines().map(String::strip).toList()) {
            int source = line.indexOf(SOURCE);
            String text = (source < 0 ? line : line.substring(0, source)).strip();
            if (text.startsWith("fix: ")) {
                problem = problem.remedy(text.substring("fix: ".length()));
            } else if (!text.isEmpty()) {
                problem = problem.because(text);
            }
        }
        for (SourceLine line : rejection.source().stream().toList()) {
            problem = problem.because(SOURCE + line + "   " + line.text());
        }
        return problem;
    }

    /** What the kernel's verifier says. */
    static Problem of(KernelLoad.Rejected rejected) {
        Problem problem = Problem.of("V001", "program " + rejected.program() + " refused by the kernel's verifier");
        if (!rejected.instruction().isEmpty()) {
            problem = problem.because("at " + rejected.instruction());
        }
        return problem.because(rejected.reason())
                .because(SOURCE + rejected.where())
                .remedy("correct the line that is named");
    }

    private static Problem of(int pid, Resolution resolution) {
        return switch (resolution) {
            case Resolution.Found found -> throw new AssertionError("not a refusal: " + found);
            case Resolution.NoSuchModule(var probe, var mapped) ->
                Problem.of("A003", "cannot resolve " + probe + " (pid " + pid + ")")
                        .because("no mapped file is called " + probe.module() + "; mapped: " + shorten(mapped));
            case Resolution.NoSuchSymbol(var probe, var path, var near, var symbols) -> {
                String code = symbols == Resolution.Symbols.STRIPPED ? "A002" : "A001";
                Problem problem = Problem.of(code, "cannot resolve " + probe + " (pid " + pid + ")")
                        .because(path + " has no function " + probe.symbol()
                                + (symbols == Resolution.Symbols.STRIPPED ? "; it is stripped" : ""));
                yield near.isEmpty() ? problem : problem.remedy(probes(probe, near));
            }
            case Resolution.NoSuchMarker(var probe, var path, var near, var markers) -> {
                Problem problem = Problem.of("A011", "cannot resolve " + probe + " (pid " + pid + ")")
                        .because(
                                markers == 0
                                        ? path + " has no static probes"
                                        : path + " has static probes at " + markers + " places, but none of this name");
                yield near.isEmpty() ? problem : problem.remedy(probes(probe, near));
            }
            case Resolution.NoLines(var probe, var path, var why) ->
                Problem.of("A012", "cannot resolve " + probe + " (pid " + pid + ")")
                        .because(path + ": " + why);
            case Resolution.NoCodeAtLine(var probe, var path, var near) -> {
                Problem problem = Problem.of("A013", "cannot resolve " + probe + " (pid " + pid + ")")
                        .because(
                                near.isEmpty()
                                        ? path + " was not built from a file of this name"
                                        : "the compiler has made no code of this line");
                String source = probe.symbol().substring(0, probe.symbol().lastIndexOf(':') + 1);
                yield near.isEmpty()
                        ? problem
                        : problem.remedy(probes(
                                probe, near.stream().map(line -> source + line).toList()));
            }
            case Resolution.OutsideFunction(var probe, var path, var size) ->
                Problem.of("A004", "cannot probe " + probe + " (pid " + pid + ")")
                        .because("the function in " + path + " has only " + size + " bytes");
            case Resolution.NoCode(var probe, var path) ->
                Problem.of("A015", "cannot probe " + probe + " (pid " + pid + ")")
                        .because(
                                probe.kind() == Probe.Kind.RETURN
                                        ? "no function of " + path + " begins there"
                                        : path + " has no code there");
        };
    }

    /** The probe with names that exist. */
    private static String probes(Probe probe, List<String> names) {
        return names.stream()
                .map(name -> new Probe(probe.kind(), probe.module(), name, probe.offset()).toString())
                .collect(Collectors.joining(", "));
    }

    /** A target that cannot be attached to. */
    static Problem of(int pid, Refusal refusal) {
        String code = switch (refusal.kind()) {
            case NO_SUCH_PROCESS -> "T001";
            case NOT_PERMITTED -> "D003";
            case ALREADY_TRACED -> "T003";
            case ZOMBIE -> "T004";
            case STOPPED -> "T007";
            case NOT_64_BIT -> "T005";
            case OWN_PROCESS, KERNEL_THREAD -> "T006";
            case SECCOMP -> "T008";
            case NO_ROOM -> "A007";
            case TEXT_DIFFERS -> "A005";
            case ADDRESS_TAKEN -> "A008";
            case MEMORY_LIMIT -> "T010";
            case DEADLINE, THREAD_IN_WINDOW -> "A006";
            case SYSTEM_CALL -> "T009";
        };
        return Problem.of(code, "cannot attach to process " + pid)
                .because(refusal.reason())
                .remedy(refusal.suggestion());
    }

    /** An object file that was not understood. */
    static Problem of(String origin, LoadResult.Refused refused) {
        String code = switch (refused.reason()) {
            case NOT_AN_OBJECT, BAD_INSTRUCTION, BAD_BTF -> "L002";
            case WRONG_MACHINE -> "L003";
            case NO_PROGRAMS -> "L004";
            case BAD_MAP -> "L005";
            case BAD_RELOCATION, UNRESOLVED_EXTERN -> "L006";
        };
        boolean whole = refused.where().equals(origin) || refused.why().startsWith(origin);
        return Problem.of(code, "cannot load " + origin)
                .because(whole ? refused.why() : refused.where() + ": " + refused.why())
                .remedy(refused.suggestion());
    }

    private static String shorten(List<String> names) {
        String shown = String.join(", ", names.subList(0, Math.min(SHOWN, names.size())));
        return names.size() > SHOWN ? shown + " and " + (names.size() - SHOWN) + " more" : shown;
    }
}
