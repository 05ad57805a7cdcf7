package graft.ebpf.interp;

import graft.ebpf.insn.Wide;

/** What an interpreted program finds around itself. */
public interface Environment {
    /**
     * Performs a helper.
     *
     * @param number the kernel's number
     * @param arguments r1 to r5
     * @return r0
     */
    long call(int number, long[] arguments);

    /** The 64-bit value of a symbolic wide load; constants are not asked for. */
    long resolve(Wide value);

    /** An environment that offers nothing. */
    static Environment none() {
        return new Environment() {
            @Override
            public long call(int number, long[] arguments) {
                throw new ProgramFault("call of helper " + number);
            }

            @Override
            public long resolve(Wide value) {
                throw new ProgramFault("use of " + value);
            }
        };
    }
}
