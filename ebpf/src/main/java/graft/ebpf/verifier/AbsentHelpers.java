package graft.ebpf.verifier;

/** Helpers that the kernel's probes have and programs in processes have not: why, and what there is instead. */
final class AbsentHelpers {
    private static final String IN_KERNEL = "run the program in the kernel, or leave the call out";

    private AbsentHelpers() {}

    static Refused refusal(Prototype prototype) {
        return new Refused(Finding.of(
                Cause.UNKNOWN_HELPER,
                "%s does not exist in processes: %s".formatted(prototype.name(), why(prototype.number())),
                instead(prototype.number())));
    }

    static String why(int helper) {
        return switch (helper) {
            case 22, 55 -> "counters of events are the kernel's";
            case 118 -> "no clock and no system call gives a process the kernel's count of ticks";
            case 141 -> "the stack of a task in the kernel is the kernel's";
            case 149 -> "the objects that it prints are the kernel's";
            case 153, 154 -> "variables of each processor are the kernel's";
            case 175 -> "it gives a struct of the kernel, which a program in a process cannot load from";
            case 176 -> "records of branches are the kernel's to read";
            case 180 -> "the list of a process's mappings is the kernel's";
            case 194 -> "references to objects of the kernel are the kernel's";
            case 210, 211 ->
                "values of control groups go when the kernel removes the group, and programs have no pointer to one";
            default -> "it is for programs of other types";
        };
    }

    private static String instead(int helper) {
        return switch (helper) {
            case 118 -> "bpf_ktime_get_ns";
            case 141 -> "bpf_get_stack with BPF_F_USER_STACK";
            case 149 -> "bpf_snprintf";
            case 175 -> "the program's context, which has the registers";
            default -> IN_KERNEL;
        };
    }
}
