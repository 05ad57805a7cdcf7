package graft.ebpf.jit.ir;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.CompiledProgram.BelowContext;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** One operation. 32-bit operations zero the upper half of what they define. */
public sealed interface Op permits Op.Pure, Op.Store, Op.Atomic, Op.Call, Op.TriedLoad, Op.EndTransaction, Op.Last {
    /** Tells every variable that is read. */
    void uses(Consumer<Var> each);

    /** The variable that is written. */
    Optional<Var> def();

    /** In place of a variable's number. */
    int NONE = -1;

    /**
     * As {@code op.uses(each)}. Passes ask this of every operation, most of which are of three kinds; here the compiler sees
     * what each of them and {@code each} do.
     */
    static void uses(Op op, Consumer<Var> each) {
        if (op instanceof Binary binary) {
            each.accept(binary.left());
            use(binary.right(), each);
        } else if (op instanceof Move move) {
            use(move.src(), each);
        } else if (op instanceof Unary unary) {
            each.accept(unary.src());
        } else {
            op.uses(each);
        }
    }

    /** The number of what {@code op.def()} is, or {@link #NONE}; asked of every operation as well. */
    static int def(Op op) {
        if (op instanceof Binary binary) {
            return binary.dst().number();
        } else if (op instanceof Move move) {
            return move.dst().number();
        } else if (op instanceof Unary unary) {
            return unary.dst().number();
        } else if (op instanceof Pure pure) {
            return pure.dst().number();
        }
        Optional<Var> written = op.def();
        return written.isPresent() ? written.get().number() : NONE;
    }

    /** The same operation on other variables. */
    Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs);

    /** An operation that does nothing but define its variable: without use it can go. */
    sealed interface Pure extends Op
            permits Move,
                    Binary,
                    Unary,
                    Rotate,
                    Lea,
                    Load,
                    Select,
                    ArrayLookup,
                    HashLookup,
                    Row,
                    BelowContextValue,
                    ThreadValue {
        /** What it defines. */
        Var dst();

        @Override
        default Optional<Var> def() {
            return Optional.of(dst());
        }
    }

    /** The last operation of a block. */
    sealed interface Last extends Op permits Goto, If, MayGoto, Near, Transaction, Exit {
        /** The blocks that can follow. */
        List<Block> next();

        /** The same with another block in place of {@code from}. */
        Last retarget(Block from, Block to);

        @Override
        default Optional<Var> def() {
            return Optional.empty();
        }
    }

    private static void use(Value value, Consumer<Var> each) {
        if (value instanceof Var var) {
            each.accept(var);
        }
    }

    private static Value mapped(Value value, UnaryOperator<Var> uses) {
        return value instanceof Var var ? uses.apply(var) : value;
    }

    /** {@code dst = src}, 64 bits. */
    record Move(Var dst, Value src) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            use(src, each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Value mapped = mapped(src, uses);
            return new Move(defs.apply(dst), mapped);
        }
    }

    /** {@code dst = left op right}; right is a variable or an immediate, op is not MOV. */
    record Binary(AluOp op, Width width, Var dst, Var left, Value right) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(left);
            use(right, each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var first = uses.apply(left);
            Value second = mapped(right, uses);
            return new Binary(op, width, defs.apply(dst), first, second);
        }
    }

    /** {@code dst = op src}. */
    record Unary(UnaryOp op, Var dst, Var src) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(src);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var operand = uses.apply(src);
            return new Unary(op, defs.apply(dst), operand);
        }
    }

    /** {@code dst = src} rotated left. */
    record Rotate(Width width, Var dst, Var src, int left) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(src);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var operand = uses.apply(src);
            return new Rotate(width, defs.apply(dst), operand, left);
        }
    }

    /** {@code dst = address of place}, or its low half. */
    record Lea(Width width, Var dst, Place place) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            place.uses(each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Place mapped = place.map(uses);
            return new Lea(width, defs.apply(dst), mapped);
        }
    }

    /** {@code dst = *place}. A verified load has no effect but its result. */
    record Load(MemSize size, Extension extension, Var dst, Place place) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            place.uses(each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Place mapped = place.map(uses);
            return new Load(size, extension, defs.apply(dst), mapped);
        }
    }

    /** {@code dst = condition ? yes : no}; both are variables or constants. */
    record Select(Var dst, Condition condition, Value yes, Value no) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            condition.uses(each);
            use(yes, each);
            use(no, each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Condition mapped = condition.map(uses);
            Value first = mapped(yes, uses);
            Value second = mapped(no, uses);
            return new Select(defs.apply(dst), mapped, first, second);
        }
    }

    /** {@code dst} = address of the value of a hash map at a key of 4 or 8 bytes, in {@code row} if it has rows, or 0. */
    record HashLookup(Var dst, String map, Var key, Optional<Var> row) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(key);
            row.ifPresent(each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var operand = uses.apply(key);
            Optional<Var> start = row.map(uses);
            return new HashLookup(defs.apply(dst), map, operand, start);
        }
    }

    /** {@code dst} = address of the value of an array map at a 32-bit key, in {@code row} if it has rows, or 0. */
    record ArrayLookup(Var dst, String map, Var key, Optional<Var> row) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(key);
            row.ifPresent(each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var operand = uses.apply(key);
            Optional<Var> start = row.map(uses);
            return new ArrayLookup(defs.apply(dst), map, operand, start);
        }
    }

    /** {@code dst} = where the running processor's values are behind the first one's in a map with rows. */
    record Row(Var dst, String map) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {}

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return new Row(defs.apply(dst), map);
        }
    }

    /** {@code dst} = what the caller stored below the context. */
    record BelowContextValue(Var dst, BelowContext value, Var context) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(context);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var operand = uses.apply(context);
            return new BelowContextValue(defs.apply(dst), value, operand);
        }
    }

    /** {@code dst} = the result of a helper that reads a value of the running thread in place. */
    record ThreadValue(Var dst, Helper helper) implements Pure {
        @Override
        public void uses(Consumer<Var> each) {}

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return new ThreadValue(defs.apply(dst), helper);
        }
    }

    /** {@code *place = value}; value is a variable or an immediate. */
    record Store(MemSize size, Place place, Value value) implements Op {
        @Override
        public void uses(Consumer<Var> each) {
            place.uses(each);
            use(value, each);
        }

        @Override
        public Optional<Var> def() {
            return Optional.empty();
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return new Store(size, place.map(uses), mapped(value, uses));
        }
    }

    /** An atomic change of memory. {@code old} gets what was there; for CMPXCHG both are {@code A0}. */
    record Atomic(AtomicOp op, MemSize size, Place place, Var operand, Optional<Var> old) implements Op {
        @Override
        public void uses(Consumer<Var> each) {
            place.uses(each);
            each.accept(operand);
            if (op == AtomicOp.CMPXCHG) {
                each.accept(Var.fixed(0));
            }
        }

        @Override
        public Optional<Var> def() {
            return old;
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Place mapped = place.map(uses);
            Var source = uses.apply(operand);
            return new Atomic(op, size, mapped, source, old.map(defs));
        }
    }

    /** A call by the C convention: reads {@code arguments}, which are fixed variables, and defines {@code A0}. */
    record Call(Target target, List<Var> arguments) implements Op {
        /** What is called. */
        public sealed interface Target {
            /** A helper of the agent. */
            record OfHelper(Helper helper) implements Target {}

            /** {@code bpf_ringbuf_reserve} on a ring whose place is known. */
            record OfReserve(String map) implements Target {}

            /** A function of the program, by its first slot. */
            record OfFunction(int slot) implements Target {}

            /** {@code bpf_loop}, which calls a function of the program by its address. */
            record OfLoop() implements Target {}

            /** A tail call: another program of a map goes on in place of this function, or nothing happens. */
            record OfProgram(String map) implements Target {}

            /** Whether what is called runs a function of the program, which may know addresses in its caller's frame. */
            default boolean runsFunction() {
                return switch (this) {
                    case OfHelper(Helper helper) -> helper.callsBack();
                    case OfFunction _, OfLoop _ -> true;
                    case OfReserve _, OfProgram _ -> false;
                };
            }
        }

        @Override
        public void uses(Consumer<Var> each) {
            arguments.forEach(each);
        }

        @Override
        public Optional<Var> def() {
            return Optional.of(Var.fixed(0));
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return this;
        }
    }

    /** {@code dst = *(address + offset)}, zero-extended, of memory that may not be there: in a transaction, or near the frame. */
    record TriedLoad(MemSize size, Var dst, Var address, int offset) implements Op {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(address);
        }

        @Override
        public Optional<Var> def() {
            return Optional.of(dst);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            Var from = uses.apply(address);
            return new TriedLoad(size, defs.apply(dst), from, offset);
        }
    }

    /** Ends the transaction that {@link Transaction} has begun: what it stored is there. */
    record EndTransaction() implements Op {
        @Override
        public void uses(Consumer<Var> each) {}

        @Override
        public Optional<Var> def() {
            return Optional.empty();
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return this;
        }
    }

    /** Goes on at another block. */
    record Goto(Block to) implements Last {
        @Override
        public void uses(Consumer<Var> each) {}

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return this;
        }

        @Override
        public List<Block> next() {
            return List.of(to);
        }

        @Override
        public Last retarget(Block from, Block other) {
            return to == from ? new Goto(other) : this;
        }
    }

    /** Goes on at one of two blocks. */
    record If(Condition condition, Block yes, Block no) implements Last {
        @Override
        public void uses(Consumer<Var> each) {
            condition.uses(each);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return new If(condition.map(uses), yes, no);
        }

        @Override
        public List<Block> next() {
            return List.of(yes, no);
        }

        @Override
        public Last retarget(Block from, Block other) {
            return new If(condition, yes == from ? other : yes, no == from ? other : no);
        }
    }

    /** Goes on at {@code on} until the loop budget is used up, then at {@code out}. */
    record MayGoto(Block on, Block out) implements Last {
        @Override
        public void uses(Consumer<Var> each) {}

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return this;
        }

        @Override
        public List<Block> next() {
            return List.of(on, out);
        }

        @Override
        public Last retarget(Block from, Block other) {
            return new MayGoto(on == from ? other : on, out == from ? other : out);
        }
    }

    /** Goes on at {@code near} when bytes lie where the running frame says that they are there, else at {@code far}. */
    record Near(Var address, int bytes, Block near, Block far) implements Last {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(address);
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return new Near(uses.apply(address), bytes, near, far);
        }

        @Override
        public List<Block> next() {
            return List.of(near, far);
        }

        @Override
        public Last retarget(Block from, Block other) {
            return new Near(address, bytes, near == from ? other : near, far == from ? other : far);
        }
    }

    /** Begins a transaction and goes on at {@code inside}; when it ends early, at {@code again}, as if it had not begun. */
    record Transaction(Block inside, Block again) implements Last {
        @Override
        public void uses(Consumer<Var> each) {}

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return this;
        }

        @Override
        public List<Block> next() {
            return List.of(inside, again);
        }

        @Override
        public Last retarget(Block from, Block other) {
            return new Transaction(inside == from ? other : inside, again == from ? other : again);
        }
    }

    /** Leaves the function; {@code A0} is the result. */
    record Exit() implements Last {
        @Override
        public void uses(Consumer<Var> each) {
            each.accept(Var.fixed(0));
        }

        @Override
        public Op map(UnaryOperator<Var> uses, UnaryOperator<Var> defs) {
            return this;
        }

        @Override
        public List<Block> next() {
            return List.of();
        }

        @Override
        public Last retarget(Block from, Block other) {
            return this;
        }
    }
}
