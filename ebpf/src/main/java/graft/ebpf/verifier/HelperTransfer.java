package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;
import java.util.List;
import java.util.Locale;

/** Calls of helpers: arguments against the prototype, then the result. */
final class HelperTransfer {
    static final Transfer<Insn.CallHelper> CALL = HelperTransfer::call;

    private static final long MOST_NEGATIVE_ERROR = -4095;

    private HelperTransfer() {}

    static String name(Helper helper) {
        return "bpf_" + helper.name().toLowerCase(Locale.ROOT);
    }

    private static void call(Insn.CallHelper insn, Step step) {
        Helper helper = Helper.byNumber(insn.helper())
                .orElseThrow(() -> unknown("helper " + insn.helper() + " does not exist in graft"));
        Prototype prototype = Prototype.of(helper)
                .filter(candidate -> candidate.programs().contains(step.walk.programType()))
                .orElseThrow(() -> unknown(name(helper) + " is not for programs of this type"));
        step.walk.notes().called(helper);
        step.walk.visit(step.slot);
        HelperArguments arguments = new HelperArguments(step, name(helper));
        List<Prototype.Argument> expected = prototype.arguments();
        for (int index = 0; index < expected.size(); index++) {
            arguments.check(Reg.of(index + 1), expected.get(index));
        }
        FrameTransfer.forgetArguments(step);
        step.state.set(Reg.R0, result(prototype.result(), arguments, step));
    }

    private static Value result(Prototype.Result result, HelperArguments arguments, Step step) {
        return switch (result) {
            case NUMBER -> Scalar.UNKNOWN;
            case LENGTH -> Scalar.signed(MOST_NEGATIVE_ERROR, arguments.largestSize());
            case VALUE_OR_NULL ->
                new Pointer(
                        new Value.Region.MapValue(arguments.map()),
                        Scalar.ZERO,
                        step.walk.origins().nextAt(step.slot));
            case RECORD_OR_NULL -> {
                int reference = step.walk.origins().nextAt(step.slot);
                step.state.acquire(reference);
                yield new Pointer(new Value.Region.Record(reference, arguments.largestSize()), Scalar.ZERO, reference);
            }
        };
    }

    private static Refused unknown(String why) {
        return new Refused(
                Finding.of(Cause.UNKNOWN_HELPER, why, "run the program in the kernel, or leave the call out"));
    }
}
