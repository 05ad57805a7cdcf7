package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.KernelSection;
import graft.ebpf.object.ProgType;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

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

    /** {@code BPF_F_USER_STACK | BPF_F_USER_BUILD_ID}. */
    private static final long USER_BUILD_IDS = 1 << 8 | 1 << 11;

    /** In {@code struct pt_regs} what a caller may be found by: general registers, ip and sp. */
    private static final List<Integer> WALKED_FIELDS = IntStream.rangeClosed(0, 19)
            .filter(word -> word != 15 && word != 17 && word != 18)
            .mapToObj(word -> word * Long.BYTES)
            .toList();

    /** Only graft's own programs call them. */
    private static final Set<Helper> OWN = EnumSet.of(Helper.CONFINE, Helper.FORGET_TASK);

    private static final int GET_RETVAL = 186;
    private static final int SET_RETVAL = 187;

    private HelperTransfer() {}

    private static void call(Insn.CallHelper insn, Step step) {
        Setting setting = step.walk.setting();
        Prototype prototype =
                Prototype.of(insn.helper()).orElseThrow(() -> unknown("there is no helper " + insn.helper()));
        requireAllowed(prototype, setting);
        Helper.byNumber(insn.helper()).ifPresent(step.walk.notes()::called);
        perform(prototype, step);
    }

    /** A function of the kernel that is as good as a helper. */
    static void function(Helper function, Step step) {
        Prototype prototype = Prototype.of(function.number()).orElseThrow();
        boolean writes = prototype.number() == Helper.DYNPTR_SLICE_RDWR.number();
        Setting setting = step.walk.setting();
        if (writes && !setting.isForTarget() && !setting.mayWritePackets()) {
            throw unknown(prototype.name() + " is not for programs of this type");
        }
        requireSleep(prototype, setting);
        step.walk.notes().called(function);
        perform(prototype, step);
    }

    private static void perform(Prototype prototype, Step step) {
        step.walk.visit(step.slot);
        HelperArguments arguments = new HelperArguments(step, prototype);
        List<Prototype.Argument> expected = prototype.arguments();
        for (int index = 0; index < expected.size(); index++) {
            arguments.check(Reg.of(index + 1), expected.get(index));
        }
        if (prototype.number() == Helper.SNPRINTF.number()) {
            TextFormat.check(step);
        }
        walkStack(prototype, step);
        arguments.enterCallback();
        LockRules.beforeHelper(step, prototype);
        if (prototype.number() == TailCalls.HELPER) {
            TailCalls.check(step);
        }
        FrameTransfer.forgetArguments(step);
        if (CHANGE_PACKETS.contains(prototype.number())) {
            PacketRules.forgetPackets(step.state);
        }
        step.state.set(Reg.R0, HelperResult.of(prototype, arguments, step));
        if (prototype.number() == TailCalls.HELPER) {
            TailCalls.leave(step);
        }
    }

    /** Helpers that walk the stack begin with the registers; build ids of mappings are known to the kernel only. */
    private static void walkStack(Prototype prototype, Step step) {
        boolean walks =
                Helper.byNumber(prototype.number()).filter(Helper::walksStack).isPresent();
        if (!walks || !step.walk.setting().isForTarget()) {
            return;
        }
        boolean isFound = step.walk.setting().context().get() != ContextLayout.PT_REGS
                || step.walk.setting().prog().type() == ProgType.KSYSCALL;
        if (!isFound) { // elsewhere the thunk leads to them
            WALKED_FIELDS.forEach(step.walk.notes()::contextRead);
        }
        if (prototype.number() == Helper.GET_STACK.number()
                && step.state.get(Reg.R4) instanceof Scalar flags
                && flags.isConstant()
                && (flags.constant() & USER_BUILD_IDS) == USER_BUILD_IDS) {
            throw unknown(prototype.name() + " gives addresses here, no build ids");
        }
    }

    static boolean changesPackets(int helper) {
        return CHANGE_PACKETS.contains(helper);
    }

    private static void requireAllowed(Prototype prototype, Setting setting) {
        requireOffered(prototype, setting);
        requireSleep(prototype, setting);
    }

    private static void requireSleep(Prototype prototype, Setting setting) {
        if (prototype.is(Prototype.Property.SLEEPS) && setting.section().sleep() == KernelSection.Sleep.NEVER) {
            throw new Refused(Finding.of(
                    Cause.UNKNOWN_HELPER,
                    prototype.name() + " may sleep, and the program may not",
                    "put the program into a section that may, such as uprobe.s, or leave the call out"));
        }
    }

    private static void requireOffered(Prototype prototype, Setting setting) {
        Optional<Helper> offered = Helper.byNumber(prototype.number());
        if (setting.isForTarget()) {
            boolean own = offered.filter(OWN::contains).isPresent();
            if (offered.isEmpty() || own && !setting.permissions().contains(Permission.CONFINE)) {
                throw AbsentHelpers.refusal(prototype);
            }
            ChangeRules.requireHelper(setting, offered.get());
            if (offered.get() == Helper.GET_FUNC_IP && setting.context().get() != ContextLayout.PT_REGS) {
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
    }

    private static Refused unknown(String why) {
        return new Refused(
                Finding.of(Cause.UNKNOWN_HELPER, why, "run the program in the kernel, or leave the call out"));
    }
}
