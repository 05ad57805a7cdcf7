package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Wide;
import graft.ebpf.jit.Compilation.Refused;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.InlineHelpers;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.Optional;

/** Decides before the first byte whether a program can be compiled for a target, so that emitters need no refusals. */
final class Support {
    private final ProgSpec program;
    private final Facts facts;
    private final TargetBinding binding;

    Support(ProgSpec program, Facts facts, TargetBinding binding) {
        this.program = program;
        this.facts = facts;
        this.binding = binding;
    }

    Optional<Refused> refusal() {
        InsnList insns = program.insns();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot) && facts.reachable().get(slot)) {
                Optional<String> reason = reason(slot, insns.at(slot));
                if (reason.isPresent()) {
                    return Optional.of(new Refused(program.name(), slot, reason.get()));
                }
            }
        }
        return Optional.empty();
    }

    private Optional<String> reason(int slot, Insn insn) {
        return switch (insn) {
            case Insn.CallHelper(int number) -> helperReason(slot, Helper.byNumber(number), "helper " + number);
            case Insn.LoadWide(var _, var wide) -> wideReason(wide);
            case Insn.CallKernelFunction(String name) ->
                helperReason(slot, Helper.function(name), "the kernel function " + name);
            case Insn.Poison(var reason, var _) -> Optional.of("cannot be relocated: " + reason);
            case Insn.Alu _,
                    Insn.Neg _,
                    Insn.MoveSigned _,
                    Insn.CastAddress _,
                    Insn.Swap _,
                    Insn.Load _,
                    Insn.Store _,
                    Insn.Atomic _,
                    Insn.LoadAcquire _,
                    Insn.StoreRelease _,
                    Insn.Jump _,
                    Insn.Branch _,
                    Insn.MayGoto _,
                    Insn.CallLocal _,
                    Insn.Exit _ -> Optional.empty();
        };
    }

    private Optional<String> helperReason(int slot, Optional<Helper> helper, String called) {
        if (helper.isEmpty()) {
            return Optional.of("calls " + called + ", which graft does not offer");
        }
        Optional<TargetBinding.MapBinding> map =
                Optional.ofNullable(facts.mapOfCall().get(slot)).map(binding.maps()::get);
        Optional<String> misplaced = RunRecord.refusal(helper.get(), program, facts);
        if (misplaced.isPresent()) {
            return misplaced;
        }
        if (helper.get() == Helper.TIMER_SET_CALLBACK && !facts.timerFunctions().containsKey(slot)) {
            return Optional.of("gives a timer a function, and nobody has verified which");
        }
        boolean available =
                binding.helpers().containsKey(helper.get()) || InlineHelpers.contains(helper.get(), map, binding);
        return available
                ? Optional.empty()
                : Optional.of("calls " + helper.get() + ", which the agent in the target does not have");
    }

    private Optional<String> wideReason(Wide wide) {
        return switch (wide) {
            case Wide.MapPointer(var map) -> mapReason(map);
            case Wide.MapValue(var map, var _) -> mapReason(map);
            case Wide.KernelSymbol(var name) -> Optional.of("uses the kernel symbol " + name);
            case Wide.Constant _, Wide.Function _ -> Optional.empty();
        };
    }

    private Optional<String> mapReason(String map) {
        return binding.maps().containsKey(map)
                ? Optional.empty()
                : Optional.of("uses map " + map + ", which the target does not have");
    }
}
