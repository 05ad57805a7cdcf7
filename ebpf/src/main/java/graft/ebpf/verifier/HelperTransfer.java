package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.KernelSection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Calls of helpers: arguments against the prototype, then the result. */
final class HelperTransfer {
    static final Transfer<Insn.CallHelper> CALL = HelperTransfer::call;

    private static final Set<Integer> CHANGE_PACKETS = Set.of(
            TailCalls.HELPER,
            9,
            10,
            11,
            13,
            18,
            19,
            31,
            38,
            39,
            43,
            44,
            50,
            54,
            63,
            65,
            73,
            74,
            75,
            76,
            90,
            91,
            142,
            143,
            144);

    private static final int GET_RETVAL = 186;
    private static final int SET_RETVAL = 187;

    private HelperTransfer() {}

    private static void call(Insn.CallHelper insn, Step step) {
        Setting setting = step.walk.setting();
        Prototype prototype =
                Prototype.of(insn.helper()).orElseThrow(() -> unknown("there is no helper " + insn.helper()));
        requireAllowed(prototype, setting);
        Helper.byNumber(insn.helper()).ifPresent(step.walk.notes()::called);
        step.walk.visit(step.slot);
        HelperArguments arguments = new HelperArguments(step, prototype);
        List<Prototype.Argument> expected = prototype.arguments();
        for (int index = 0; index < expected.size(); index++) {
            arguments.check(Reg.of(index + 1), expected.get(index));
        }
        arguments.enterCallback();
        LockRules.beforeHelper(step, prototype);
        if (prototype.number() == TailCalls.HELPER) {
            TailCalls.check(step);
        }
        FrameTransfer.forgetArguments(step);
        if (CHANGE_PACKETS.contains(insn.helper())) {
            PacketRules.forgetPackets(step.state);
        }
        step.state.set(Reg.R0, HelperResult.of(prototype, arguments, step));
        if (prototype.number() == TailCalls.HELPER) {
            TailCalls.leave(step);
        }
    }

    static boolean changesPackets(int helper) {
        return CHANGE_PACKETS.contains(helper);
    }

    private static void requireAllowed(Prototype prototype, Setting setting) {
        Optional<Helper> offered = Helper.byNumber(prototype.number());
        if (setting.isForTarget()) {
            if (offered.isEmpty()) {
                throw unknown("helper " + prototype.name() + " does not exist in graft");
            }
            if (offered.get() == Helper.OVERRIDE_RETURN) {
                ChangeRules.requireOverride(setting);
            }
            boolean probesOnly = offered.get() == Helper.GET_FUNC_IP;
            if (probesOnly && setting.context().get() != ContextLayout.PT_REGS) {
                throw unknown(prototype.name() + " is not for programs of this type");
            }
            return;
        }
        boolean aboutResult = prototype.number() == GET_RETVAL || prototype.number() == SET_RETVAL;
        if (!prototype.isFor(setting.section()) || aboutResult && !ExitRules.hasResultOfItsOwn(setting.section())) {
            throw unknown(prototype.name() + " is not for programs of this type");
        }
        if (prototype.is(Prototype.Property.GPL) && !setting.isGplCompatible()) {
            throw unknown(prototype.name() + " is only for programs under a licence compatible with the GPL");
        }
        if (prototype.is(Prototype.Property.SLEEPS) && setting.section().sleep() == KernelSection.Sleep.NEVER) {
            throw unknown(prototype.name() + " may sleep, and the program may not");
        }
    }

    private static Refused unknown(String why) {
        return new Refused(
                Finding.of(Cause.UNKNOWN_HELPER, why, "run the program in the kernel, or leave the call out"));
    }
}
