package graft.ebpf.interp;

import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Wide;
import java.util.Optional;

/** What an interpreted program finds around itself. */
public interface Environment {
    /**
     * Performs a helper.
     *
     * @param number the kernel's number
     * @param arguments r1 to r5
     * @param functions for helpers that call back
     * @return r0
     */
    long call(int number, long[] arguments, Functions functions);

    /** The functions of the program that runs, by the addresses that it gives to helpers. */
    interface Functions {
        /** Runs one; r0. */
        long call(long address, long... arguments);

        /** The slot of the call that is performed now. */
        default int slot() {
            throw new ProgramFault("asks where it is called");
        }
    }

    /**
     * The program that a tail call leads to.
     *
     * @param map what the program took for the map
     */
    default Optional<InsnList> program(long map, int index) {
        return Optional.empty();
    }

    /** The 64-bit value of a symbolic wide load; constants and functions are not asked for. */
    long resolve(Wide value);

    /** An environment that offers nothing. */
    static Environment none() {
        return new Environment() {
            @Override
            public long call(int number, long[] arguments, Functions functions) {
                throw new ProgramFault("call of helper " + number);
            }

            @Override
            public long resolve(Wide value) {
                throw new ProgramFault("use of " + value);
            }
        };
    }
}
