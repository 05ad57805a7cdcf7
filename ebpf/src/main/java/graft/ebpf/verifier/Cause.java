package graft.ebpf.verifier;

/** Why a program was refused. The names are stable: the error catalogue and tests refer to them. */
public enum Cause {
    /** No instructions, or a function without any. */
    EMPTY_PROGRAM("the program is empty"),
    /** A jump or call whose target is outside its function, or inside a two-slot instruction. */
    BAD_JUMP("a jump leaves its function or lands inside an instruction"),
    /** Control can run past the last instruction of a function. */
    FALLS_OFF_END("control can run past the end of a function"),
    /** No path leads to an instruction. */
    UNREACHABLE("an instruction can never be reached"),
    /** An instruction whose fields make no sense: a shift by 64, a constant division by zero. */
    BAD_INSTRUCTION("an instruction is not valid"),
    /** An instruction, map type or pointer use that graft does not offer. */
    UNSUPPORTED("the program uses something graft does not offer"),
    /** A failed CO-RE relocation on a path that can be taken. */
    UNRESOLVED_RELOCATION("a type or field the program needs does not exist here"),
    /** A read of a register that holds nothing on some path. */
    UNINITIALISED_REGISTER("a register is read before it is written"),
    /** A write to r10. */
    FRAME_POINTER_WRITE("r10 is read-only"),
    /** A read of stack bytes that were never written, where the policy forbids it. */
    UNINITIALISED_STACK("stack memory is read before it is written"),
    /** Memory access through something that is not a pointer. */
    NOT_A_POINTER("memory is accessed through something that is not a pointer"),
    /** Access through, or arithmetic on, a pointer that may be null. */
    MAY_BE_NULL("a pointer may be null"),
    /** An access that can leave its object. */
    OUT_OF_BOUNDS("an access can leave its object"),
    /** A stack or atomic access at an odd address. */
    MISALIGNED("an access is misaligned"),
    /** A write to a read-only object: the context, a read-only map. */
    READ_ONLY("a read-only object is written"),
    /** A change of the process that nobody has allowed. */
    NOT_ALLOWED("the program changes what the process does, which was not allowed"),
    /** A read of a map that programs may only write. */
    WRITE_ONLY("a write-only map is read"),
    /** Arithmetic that pointers do not allow. */
    POINTER_ARITHMETIC("arithmetic that a pointer does not allow"),
    /** A comparison that pointers do not allow. */
    POINTER_COMPARISON("a comparison that a pointer does not allow"),
    /** A pointer stored or returned where it must not go. */
    POINTER_LEAK("a pointer goes where it must not"),
    /** A helper number that graft does not know, or that this program type may not call. */
    UNKNOWN_HELPER("the program calls a helper that graft does not offer here"),
    /** A call of a kernel function. */
    KERNEL_FUNCTION("the program calls a kernel function"),
    /** A map that is not in the collection. */
    UNKNOWN_MAP("the program names a map that does not exist"),
    /** A helper argument of the wrong kind. */
    BAD_ARGUMENT("a helper gets an argument it does not take"),
    /** A map type that a helper does not work on. */
    WRONG_MAP_TYPE("a helper does not work on this type of map"),
    /** A size argument that may be negative, zero where it must not be, too large, or not constant. */
    BAD_SIZE("a size argument is not bounded as it must be"),
    /** A lock, timer or kernel pointer in a map value touched directly. */
    SPECIAL_FIELD("a special field of a map value is touched directly"),
    /** A spin lock taken or left where it must not be. */
    BAD_LOCK("a spin lock is used wrongly"),
    /** A dynptr or iterator on the stack used in the wrong state. */
    BAD_STACK_OBJECT("a dynptr or iterator is used in the wrong state"),
    /** A callback that does not fit its helper. */
    BAD_CALLBACK("a callback does not fit the helper"),
    /** A reserved record that is neither submitted nor discarded on some path. */
    LEAKED_RECORD("a reserved ring buffer record is not given back"),
    /** A record given back that is not held, or whose pointer was moved. */
    BAD_RELEASE("a ring buffer record is given back wrongly"),
    /** More than eight frames, or recursion. */
    CALL_TOO_DEEP("calls nest too deep"),
    /** More than 512 bytes of stack. */
    STACK_TOO_LARGE("the program needs too much stack"),
    /** The same state comes back: the loop cannot end. */
    INFINITE_LOOP("a loop never ends"),
    /** The walk used up its instruction budget. */
    TOO_COMPLEX("the program has too many paths or loop rounds to check"),
    /** A value returned from where only a number may be. */
    BAD_RETURN("the program does not return a number");

    private final String summary;

    Cause(String summary) {
        this.summary = summary;
    }

    /** One line for people, without details. */
    public String summary() {
        return summary;
    }
}
