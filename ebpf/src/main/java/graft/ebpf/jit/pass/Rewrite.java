package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Op;
import java.util.Set;

/** Changes one operation into another that does the same where it stands. */
interface Rewrite {
    /** The operation to use in place of {@code op}, or {@code op} itself. */
    Op apply(Op op, Known known);

    /** The classes of the operations that it may change; it is not asked about others. */
    Set<Class<? extends Op>> concerns();
}
