package graft.ebpf.jit.pass;

import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import graft.ebpf.jit.ir.VarSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What is known at one point of a walk in reverse postorder: how variables were computed, as long as computing them again
 * would give the same. That ends when an operand is written again, or, if one is written in several places or may be
 * read before it is written, with the block.
 */
final class Known {
    private final TargetBinding binding;
    private final int[] definitions;
    private final boolean[] narrow;
    private final Op.Pure[] computed;

    /** For each local one the variables that it is computed from, several to a bit. */
    private final long[] origins;

    /** What is known only up to the end of the block. */
    private final int[] local;

    private int locals;
    private final Search search = new Search();

    Known(Flow flow, TargetBinding binding) {
        this.binding = binding;
        this.definitions = new int[flow.vars()];
        this.narrow = new boolean[flow.vars()];
        this.computed = new Op.Pure[flow.vars()];
        this.origins = new long[flow.vars()];
        this.local = new int[flow.vars()];
        List<Op.Pure> doubtful = new ArrayList<>();
        VarSet wide = new VarSet(flow.vars());
        for (Block block : flow.blocks()) {
            List<Op> ops = block.ops();
            for (int i = 0; i < ops.size(); i++) {
                define(ops.get(i), wide, doubtful);
            }
        }
        for (int number = wide.next(0); number >= 0; number = wide.next(number + 1)) {
            narrow[number] = false;
        }
        VarSet undefined = Liveness.of(flow).before(flow.entry());
        for (int number = undefined.next(0); number >= 0; number = undefined.next(number + 1)) {
            definitions[number]++;
        }
        narrow(doubtful);
    }

    private void define(Op op, VarSet wide, List<Op.Pure> doubtful) {
        if (op instanceof Op.Pure pure) {
            int number = pure.dst().number();
            definitions[number]++;
            narrow[number] = true;
            switch (UpperHalf.of(pure)) {
                case ZERO -> {}
                case AS_READ -> doubtful.add(pure);
                case ANY -> wide.add(number);
            }
        } else {
            int number = Op.def(op);
            if (number != Op.NONE) {
                definitions[number]++;
                wide.add(number);
            }
        }
    }

    private void narrow(List<Op.Pure> doubtful) {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = 0; i < doubtful.size(); i++) {
                Op.Pure op = doubtful.get(i);
                int number = op.dst().number();
                if (narrow[number] && !UpperHalf.isZero(op, this)) {
                    narrow[number] = false;
                    changed = true;
                }
            }
        }
    }

    /** The target in which the function will run. */
    TargetBinding binding() {
        return binding;
    }

    /** Whether the upper half of {@code var} is zero wherever it is read. */
    boolean isNarrow(Var var) {
        return !var.isFixed() && narrow[var.number()];
    }

    private boolean isSingle(int var) {
        return var >= Var.FIRST_FREE && definitions[var] == 1;
    }

    void enterBlock() {
        while (locals > 0) {
            computed[local[--locals]] = null;
        }
    }

    /** How {@code var} was computed, when that still holds. */
    Optional<Op.Pure> definition(Var var) {
        return Optional.ofNullable(computed[var.number()]);
    }

    /** Whether {@code op} reads a variable that is a copy, or holds a constant. */
    boolean readsCopy(Op op) {
        search.in(op);
        return search.copy;
    }

    /** The number that {@code value} is, if known. */
    Optional<Long> constant(Value value) {
        return switch (value) {
            case Value.Constant(long number) -> Optional.of(number);
            case Var var
            when definition(var).orElse(null) instanceof Op.Move(Var _, Value.Constant(long number)) ->
                Optional.of(number);
            case Var _, Value.Symbol _, Value.FrameAddress _ -> Optional.empty();
        };
    }

    /** Takes note of what {@code op} computes. */
    void step(Op op) {
        int def = Op.def(op);
        if (def == Op.NONE) {
            return;
        }
        forget(def);
        if (op instanceof Op.Load || !(op instanceof Op.Pure pure)) {
            return;
        }
        search.in(op);
        if ((search.origins & bit(def)) == 0 || !Reads.in(op, def)) {
            computed[def] = pure;
            if (!isSingle(def) || search.changing) {
                origins[def] = search.origins;
                local[locals++] = def;
            }
        }
    }

    /** What was known of a variable that is written now, and of what was computed from it. */
    private void forget(int var) {
        if (isSingle(var)) {
            return;
        }
        computed[var] = null;
        int kept = 0;
        for (int i = 0; i < locals; i++) {
            Op.Pure other = computed[local[i]];
            if (other != null) {
                if ((origins[local[i]] & bit(var)) != 0 && Reads.in(other, var)) {
                    computed[local[i]] = null;
                } else {
                    local[kept++] = local[i];
                }
            }
        }
        locals = kept;
    }

    private static long bit(int var) {
        return 1L << var;
    }

    /** What an operation reads. Without lambdas: it is asked several times for each operation. */
    private final class Search implements Consumer<Var> {
        private long origins;

        /** Whether there is a copy, or a constant, among it. */
        private boolean copy;

        /** Whether there is something among it that is written in several places. */
        private boolean changing;

        void in(Op op) {
            origins = 0;
            copy = false;
            changing = false;
            Op.uses(op, this);
        }

        @Override
        public void accept(Var var) {
            origins |= bit(var.number());
            copy |= computed[var.number()] instanceof Op.Move;
            changing |= !isSingle(var.number());
        }
    }

    /** Whether an operation reads one variable. */
    private static final class Reads implements Consumer<Var> {
        private final int asked;
        private boolean found;

        private Reads(int asked) {
            this.asked = asked;
        }

        static boolean in(Op op, int var) {
            Reads reads = new Reads(var);
            Op.uses(op, reads);
            return reads.found;
        }

        @Override
        public void accept(Var var) {
            found |= var.number() == asked;
        }
    }
}
