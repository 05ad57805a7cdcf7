package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.relocate.Relocator;
import graft.rewriter.relocate.Transplant;
import graft.rewriter.stub.Stub;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Plans code that takes the place of instructions in one module of one process. The new code lies in the code space, and the
 * text gets one jump to it: so a thread that has begun with the old instructions ends them in a copy, one that has begun with
 * the new ones ends those, and both can be waited for when the patch is taken back. Confined to one thread.
 */
public final class CodePlanner {
    private final ModuleText module;
    private final TargetIndex index;
    private final SiteWriter sites;
    private final CodeSpace space;

    public CodePlanner(ModuleText module, CodeSpace space) {
        this.module = module;
        this.index = new TargetIndex(module);
        this.sites = new SiteWriter(module, index, space);
        this.space = space;
    }

    /** How many old bytes give way. */
    public enum Extent {
        /** So many, which have to be whole instructions. */
        EXACT,
        /** As many whole instructions as have so many bytes or more. */
        AT_LEAST
    }

    /**
     * New code in place of the instructions at {@code at}; where it ends without a jump, what follows them runs.
     *
     * @param code made for {@code at}
     */
    public Planned instead(FunctionRange function, RemoteAddress at, Code code, Extent extent, int oldBytes) {
        List<X64Insn> insns = index.insns(function).stream()
                .dropWhile(insn -> insn.address().compareTo(at) < 0)
                .toList();
        if (insns.isEmpty() || !insns.getFirst().address().equals(at)) {
            return refused(
                    Planned.Reason.NOT_A_BOUNDARY,
                    at + " is not the start of an instruction of " + function.name(),
                    "graft plan shows the instructions at the function's entry");
        }
        RemoteAddress end = at;
        for (X64Insn insn : insns) {
            if (end.minus(at) < oldBytes) {
                end = insn.end();
            }
        }
        if (extent == Extent.EXACT && end.minus(at) != oldBytes || end.minus(at) < oldBytes) {
            return refused(
                    Planned.Reason.NOT_A_BOUNDARY,
                    "the old bytes end inside the instruction before " + end,
                    "name whole instructions: those up to there have " + end.minus(at) + " bytes");
        }
        List<X64Insn> made = new ArrayList<>();
        Optional<Planned> unread = decode(code, at, made);
        if (unread.isPresent()) {
            return unread.get();
        }
        Optional<String> target = index.targetInside(function, at, end);
        if (target.isPresent()) {
            return refused(
                    Planned.Reason.BRANCH_TARGET, target.get(), "replace fewer instructions, or the whole function");
        }
        RemoteAddress behind = end;
        return sites.at(function, at, window -> stub(made, window, behind)).planned();
    }

    /** Calls of a function lead to {@code target} from now on; those that have begun end as they would. */
    public Planned redirect(FunctionRange function, RemoteAddress target) {
        Optional<Planned> refusal = new OverrideRules(module, index).refusal(function);
        if (refusal.isPresent()) {
            return refusal.get();
        }
        RemoteAddress first = index.first(function)
                .filter(insn -> insn.kind() == InsnKind.ENDBR64)
                .map(X64Insn::end)
                .orElse(function.start());
        return sites.at(function, first, window -> {
                    X64Assembler out = new X64Assembler(space.next().value());
                    out.jmp(target.value());
                    return finish(out, window);
                })
                .planned();
    }

    private static Planned refused(Planned.Reason reason, String why, String suggestion) {
        return new Planned.Refused(reason, why, suggestion);
    }

    private static Optional<Planned> decode(Code code, RemoteAddress at, List<X64Insn> made) {
        int offset = 0;
        while (offset < code.length()) {
            switch (X64Decoder.decode(code.bytes(), offset, at.plus(offset))) {
                case X64Insn insn -> {
                    made.add(insn);
                    offset += insn.length();
                }
                case Decoding.Refused(var reason) -> {
                    return Optional.of(refused(
                            Planned.Reason.NOT_DECODED,
                            "the new code at byte " + offset + " is no whole instruction (" + reason + ")",
                            "give whole instructions: graft asm shows bytes"));
                }
            }
        }
        return Optional.empty();
    }

    /** The new code, what the jump has displaced behind it, and the old instructions for those who are inside. */
    private Stub stub(List<X64Insn> made, Window window, RemoteAddress behind) {
        X64Assembler out = new X64Assembler(space.next().value());
        if (!made.isEmpty() && new Transplant(out).write(made) instanceof Relocation.Refused refused) {
            return new Stub.Refused(refused);
        }
        List<X64Insn> displaced = window.insns().stream()
                .filter(insn -> insn.address().compareTo(behind) >= 0)
                .toList();
        if (!displaced.isEmpty() && new Relocator(out).relocate(displaced) instanceof Relocation.Refused refused) {
            return new Stub.Refused(refused);
        }
        RemoteAddress back = window.back().compareTo(behind) > 0 ? window.back() : behind;
        out.jmp(back.value());
        return finish(out, window);
    }

    private Stub finish(X64Assembler out, Window window) {
        return switch (new Relocator(out).relocate(window.insns())) {
            case Relocation.Refused refused -> new Stub.Refused(refused);
            case Relocation.Done(var moved) -> {
                out.jmp(window.back().value());
                RemoteAddress address = space.next();
                yield new Stub.Written(address, address, Code.of(out.finish()), moved);
            }
        };
    }

    /** No stub for {@code code} bytes is longer: short branches grow to six bytes, hops to nine. */
    public static int maxBytes(int code) {
        return 256 + 8 * code;
    }
}
