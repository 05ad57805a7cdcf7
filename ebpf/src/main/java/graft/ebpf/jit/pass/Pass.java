package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Flow;

/** Changes a function in place without changing what it does. */
interface Pass {
    /** Works on the whole function. */
    void run(Flow flow);
}
