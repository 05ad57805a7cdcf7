package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.ProgType;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.Set;

/**
 * What programs may change in the process that they run in, if its user allows it: whether a function runs, and
 * registers through the context. Where exactly a program runs is not known here, so of a probe of functions the registers
 * are checked again when it is attached: at an entry it may change arguments only.
 */
final class ChangeRules {
    private static final String ALLOW = "--allow change, if that is what you want";

    /** {@code struct pt_regs} begins with these. */
    private static final int GENERAL_REGISTERS = 15;

    private static final int RAX = 10;
    private static final int RECORD_ARGUMENTS = 2;
    private static final int RECORD_END = 8;

    /** In the kernel only the first two, and of those the functions and calls that it has listed. */
    private static final Set<ProgType> OVERRIDING =
            EnumSet.of(ProgType.UPROBE, ProgType.KSYSCALL, ProgType.SYSCALL_ENTER, ProgType.RAW_SYSCALL_ENTER);

    private ChangeRules() {}

    static void requireHelper(Setting setting, Helper helper) {
        switch (helper) {
            case OVERRIDE_RETURN -> requireOverride(setting);
            case PROBE_WRITE_USER -> requireAllowed(setting, "bpf_probe_write_user writes the process's memory");
            case DELAY -> requireAllowed(setting, "bpf_delay lets a thread of the process wait");
            case MAKE_CALL -> requireAllowed(setting, "bpf_make_call makes a system call in the name of the process");
            case SEND_SIGNAL, SEND_SIGNAL_THREAD ->
                requireAllowed(setting, helper.text() + " sends the process a signal");
            default -> {}
        }
    }

    private static void requireOverride(Setting setting) {
        ProgType type = setting.prog().type();
        if (!OVERRIDING.contains(type)) {
            throw new Refused(Finding.of(
                    Cause.UNKNOWN_HELPER,
                    "bpf_override_return is for programs at the entry of a function or before a system call",
                    "SEC(\"uprobe/FILE:FUNCTION\") or SEC(\"ksyscall/NAME\")"));
        }
        requireAllowed(setting, "bpf_override_return makes a function or a system call return without running");
    }

    /** A store into the context of a program in a target process. */
    static void store(Step step, Memory.Place place, int bytes, Value value) {
        Setting setting = step.walk.setting();
        long offset = place.offset().constant();
        boolean field = setting.context().orElseThrow().readable(offset, bytes);
        if (!field || !writable(setting.prog().type()).get((int) offset / Long.BYTES)) {
            throw new Refused(Finding.of(
                    Cause.READ_ONLY,
                    place.base(),
                    "%s is the context, of which bytes %d to %d cannot be written"
                            .formatted(place.base(), offset, offset + bytes - 1),
                    "keep a copy on the stack"));
        }
        requireAllowed(setting, place.base() + " is the context: what is written there is in the process's registers");
        if (!(value instanceof Scalar)) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    place.base(),
                    "a pointer of the program would be in a register of the process, longer than what it points to",
                    "write a number"));
        }
        step.walk.notes().contextWritten((int) offset);
    }

    private static void requireAllowed(Setting setting, String what) {
        if (!setting.permissions().contains(Permission.CHANGE)) {
            throw new Refused(Finding.of(Cause.NOT_ALLOWED, what, ALLOW));
        }
    }

    private static BitSet writable(ProgType type) {
        BitSet words = new BitSet();
        switch (type) {
            case UPROBE, USDT -> words.set(0, GENERAL_REGISTERS);
            case URETPROBE -> words.set(RAX);
            case SYSCALL_ENTER -> words.set(RECORD_ARGUMENTS, RECORD_END);
            case SYSCALL_EXIT -> words.set(RECORD_ARGUMENTS);
            case RAW_SYSCALL_ENTER,
                    RAW_SYSCALL_EXIT,
                    KSYSCALL,
                    KRETSYSCALL,
                    UPROBE_SESSION,
                    KERNEL_TRACEPOINT,
                    OTHER -> {}
        }
        return words;
    }
}
