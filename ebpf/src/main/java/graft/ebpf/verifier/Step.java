package graft.ebpf.verifier;

import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;

/** One instruction on one path: the state it changes, where the walk goes next, and what transfers may ask. */
final class Step {
    /** {@link #next} when the path ends here. */
    static final int END = -1;

    final Walk walk;
    final AbstractState state;
    final int slot;
    private int next;

    Step(Walk walk, AbstractState state, int slot, int next) {
        this.walk = walk;
        this.state = state;
        this.slot = slot;
        this.next = next;
    }

    int next() {
        return next;
    }

    void goTo(int target) {
        next = target;
    }

    void end() {
        next = END;
    }

    /** Goes on at {@code target} as well, with the state as it is now; the caller goes on changing its own. */
    AbstractState fork(int target) {
        return walk.fork(this, target);
    }

    void require(Obligation obligation) {
        obligation.unmet().ifPresent(finding -> {
            throw new Refused(finding);
        });
    }

    /** The value of a register that must hold one. */
    Value read(Reg reg) {
        Value value = state.get(reg);
        if (value == Value.Nothing.UNINITIALISED) {
            require(new Obligation.Initialised(reg, value));
        }
        return value;
    }

    Value read(Operand operand) {
        return switch (operand) {
            case Operand.Src(var reg) -> read(reg);
            case Operand.Imm(var value) -> Scalar.constant(value);
        };
    }

    /** The number in a register; a pointer is refused for {@code cause}. */
    Scalar number(Reg reg, Cause cause, String use) {
        Value value = state.get(reg);
        if (value instanceof Scalar scalar) {
            return scalar;
        }
        require(new Obligation.IsNumber(reg, value, cause, use));
        throw new AssertionError("not a number: " + value);
    }

    /** The pointer in a register, which must not be null. */
    Pointer pointer(Reg reg) {
        return switch (read(reg)) {
            case Pointer pointer -> {
                require(new Obligation.NotNull(reg, pointer, walk.describe(pointer.nullId()), slot));
                yield pointer;
            }
            case Scalar _ ->
                throw new Refused(Finding.of(
                        Cause.NOT_A_POINTER,
                        reg,
                        reg + " is a number, not a pointer the verifier knows",
                        "use bpf_probe_read_user to read memory of the process"));
            case Value.Nothing _, Value.Resident _ -> throw new AssertionError("no register holds this");
        };
    }

    void write(Reg reg, Value value) {
        if (reg == Reg.R10) {
            require(new Obligation.NotFramePointer(reg));
        }
        state.set(reg, value);
    }

    /** The value of a register, with an id, so that copies of it are known to be equal. */
    Value linked(Reg reg) {
        Value value = read(reg);
        if (value instanceof Scalar scalar && scalar.id() == Scalar.NO_ID && !scalar.isConstant()) {
            Scalar named = scalar.withId(walk.origins().next());
            state.set(reg, named);
            return named;
        }
        return value;
    }
}
