package graft.ebpf.verifier;

import graft.ebpf.object.KernelSection;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.SpecialField;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a helper takes and gives, and which programs may call it.
 *
 * @param programs the kernel's program types that may call it
 */
record Prototype(
        int number,
        String name,
        List<Argument> arguments,
        Result result,
        Set<Property> properties,
        Set<KernelType> programs) {
    /** What an argument must be. */
    sealed interface Argument {
        /** Any initialised value. */
        record Anything() implements Argument {}

        /** Any number. */
        record Number() implements Argument {}

        /** The number 0. */
        record Zero() implements Argument {}

        /** A map. */
        record AnyMap() implements Argument {}

        /** Memory with a key of the map. */
        record Key() implements Argument {}

        /** Memory with a value of the map. */
        record MapValue(Direction direction, Null nullable) implements Argument {}

        /** Memory whose size is in the next register. */
        record Buffer(Direction direction, Null nullable) implements Argument {}

        /** Memory of a fixed size. */
        record Fixed(Direction direction, int bytes) implements Argument {}

        /** The size of the memory in the register before. */
        record Size(Least least) implements Argument {}

        /** The constant size of a record to reserve. */
        record RecordSize() implements Argument {}

        /** A record that is given back. */
        record HeldRecord() implements Argument {}

        /** The program's context, unmoved. */
        record ProgramContext(Null nullable) implements Argument {}

        /** A constant string in a read-only map, ending in a zero byte. */
        record ConstantString() implements Argument {}

        /** The special field of a map value. */
        record Special(SpecialField.Kind kind) implements Argument {}

        /** A socket; {@code types} says whether kernel types of sockets do as well. */
        record Socket(SocketTypes types, Use use) implements Argument {}

        /** A struct of the kernel. */
        record Kernel(String struct, Null nullable) implements Argument {}

        /** A per-CPU variable of the kernel. */
        record PerCpu() implements Argument {}

        /** A function of the program that the helper calls. */
        record Callback() implements Argument {}

        /** A pointer into the stack, or null, handed to the callback. */
        record StackOrNull() implements Argument {}

        /** What is stored in a map value in exchange; given away. */
        record Exchanged() implements Argument {}

        /** Memory whose size is in the next register, or null whatever that is. */
        record CopyBuffer() implements Argument {}

        /** A dynptr on the stack. */
        record Dynptr(DynptrUse use) implements Argument {}
    }

    /** Whether a helper reads or fills memory. */
    enum Direction {
        READ,
        FILLED,
        BOTH
    }

    /** Whether null is taken. */
    enum Null {
        REFUSED,
        TAKEN
    }

    /** Whether a size may be zero. */
    enum Least {
        ZERO,
        ONE
    }

    /** Which sockets. */
    enum SocketTypes {
        PROGRAM,
        PROGRAM_AND_KERNEL
    }

    /** Whether the argument is given back. */
    enum Use {
        LOOKED_AT,
        RELEASED
    }

    /** What happens to a dynptr. */
    enum DynptrUse {
        READ,
        NEW_LOCAL,
        NEW_RINGBUF,
        /** Of the one that was an argument before. */
        NEW_CLONE,
        RELEASED
    }

    /** What a helper needs or promises. */
    enum Property {
        /** Only for programs under a licence that is compatible with the GPL. */
        GPL,
        /** Takes packet memory. */
        PACKET,
        /** May sleep. */
        SLEEPS
    }

    /** What is in r0 afterwards. */
    record Result(Kind kind, String struct) {
        /** Kinds of results. */
        enum Kind {
            /** Any number. */
            NUMBER,
            /** Nothing. */
            NOTHING,
            /** A negative error, or at most the size of the buffer. */
            LENGTH,
            /** A value of the map. */
            VALUE,
            /** A value of the map, or null. */
            VALUE_OR_NULL,
            /** A new record, or null. */
            RECORD_OR_NULL,
            /** A slice of the dynptr, or null. */
            SLICE_OR_NULL,
            /** A slice of the dynptr that is only read, or null. */
            READ_ONLY_SLICE_OR_NULL,
            /** A socket, or null. */
            SOCKET_OR_NULL,
            /** What socket programs see of any socket, or null. */
            SOCK_COMMON_OR_NULL,
            /** What socket programs see of a TCP socket, or null. */
            TCP_SOCK_OR_NULL,
            /** A struct of the kernel. */
            KERNEL,
            /** A struct of the kernel, or null. */
            KERNEL_OR_NULL,
            /** This CPU's copy of a variable. */
            PER_CPU,
            /** A CPU's copy of a variable, or null. */
            PER_CPU_OR_NULL
        }
    }

    boolean is(Property property) {
        return properties.contains(property);
    }

    boolean isFor(KernelSection program) {
        return programs.contains(program.type());
    }

    /** The prototype of a helper, by the kernel's number. */
    static Optional<Prototype> of(int number) {
        return Prototypes.of(number);
    }
}
