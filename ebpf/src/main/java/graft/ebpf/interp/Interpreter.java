package graft.ebpf.interp;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.verifier.Facts;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongBinaryOperator;

/** Runs a program step by step. One run at a time; confined to one thread. */
public final class Interpreter {
    /** Bytes of stack of one frame. */
    public static final int FRAME_BYTES = 512;

    private static final int MAX_FRAMES = 8;
    private static final int LOOP_BUDGET = 8 << 20;

    /** What {@code bpf_loop} does at most in one call. */
    private static final int MAX_ROUNDS = 8 << 20;

    /** Tail calls of one run: what is started, and as many more. */
    private static final int MAX_TAIL_CALLS = 33;

    private static final int E2BIG = 7;
    private static final int EINVAL = 22;

    /** Where the functions of the program seem to be, 8 bytes a slot. */
    private static final long FUNCTIONS = 0x6000_0000_0000L;

    private final Environment.Functions functions = new Environment.Functions() {
        @Override
        public long call(long address, long... arguments) {
            return Interpreter.this.call(address, arguments);
        }

        @Override
        public int slot() {
            return at;
        }
    };

    /** Where and with what a caller goes on. */
    private record Caller(InsnList insns, int slot, long[] preserved, int budget, int depth) {}

    private final InsnList program;
    private final Memory memory;
    private final Environment environment;
    private final StackObjects objects;
    private final Tracer tracer;
    private final long[] registers = new long[11];
    private final Deque<Caller> callers = new ArrayDeque<>();
    private int rounds = LOOP_BUDGET;
    private int budget;
    private InsnList insns;
    private int depth;
    private int tailCalls;
    private ArenaView arena = ArenaView.NONE;
    private int at;
    private int next;
    private long limit;
    private long left;

    /** @param memory must hold the stack below the frame pointer that {@link #run} gets, one frame a call level */
    public Interpreter(InsnList insns, Memory memory, Environment environment) {
        this(insns, memory, environment, Tracer.NONE);
    }

    /** The same, telling {@code tracer} about every step. */
    public Interpreter(InsnList insns, Memory memory, Environment environment, Tracer tracer) {
        this.tracer = tracer;
        this.program = insns;
        this.insns = insns;
        this.memory = memory;
        this.environment = environment;
        this.objects = new StackObjects(memory, environment);
    }

    /** For a program that uses an arena, which must be in memory where it says. */
    public Interpreter withArena(Facts.ArenaUse use) {
        arena = new ArenaView(use);
        return this;
    }

    /** Lets {@code may_goto} leave loops after so many rounds instead of the kernel's. */
    public Interpreter withRounds(int most) {
        rounds = most;
        return this;
    }

    /** {@link #run(long, long, long, long)} with nothing in r2. */
    public long run(long context, long framePointer, long limit) {
        return run(context, 0, framePointer, limit);
    }

    /**
     * Runs from the first instruction to the last exit.
     *
     * @param first r1
     * @param second r2
     * @param framePointer r10, the end of the first frame
     * @param limit instructions after which the run is given up
     * @return r0
     */
    public long run(long first, long second, long framePointer, long limit) {
        return run(0, framePointer, limit, first, second);
    }

    /** Runs one function of the program on its own, from its first slot to its exit: r0. The arguments are in r1 and on. */
    public long run(int slot, long framePointer, long limit, long... arguments) {
        Arrays.fill(registers, 0);
        System.arraycopy(arguments, 0, registers, 1, arguments.length);
        registers[10] = framePointer;
        callers.clear();
        budget = rounds;
        insns = program;
        depth = 1;
        tailCalls = 0;
        this.limit = limit;
        left = limit;
        return execute(slot);
    }

    /** Runs from {@code first} to the exit of the function that is the innermost one now. */
    private long execute(int first) {
        int outer = callers.size();
        int slot = first;
        while (left-- > 0) {
            Insn insn = insns.at(slot);
            if (insn instanceof Insn.Exit && callers.size() == outer) {
                return registers[0];
            }
            next = slot + insn.slots();
            at = slot;
            step(insn);
            tracer.executed(slot, insn, registers);
            slot = next;
        }
        throw new ProgramFault("no end after " + limit + " instructions");
    }

    private void step(Insn insn) {
        switch (insn) {
            case Insn.Alu(var op, var width, var dst, var src) ->
                set(dst, arena.result(at, Alu.compute(op, width, get(dst), value(src))));
            case Insn.Neg(var width, var dst) -> set(dst, Alu.negate(width, get(dst)));
            case Insn.MoveSigned move -> set(move.dst(), Alu.moveSigned(move, get(move.src())));
            case Insn.CastAddress(var cast, var dst, var src) -> set(dst, arena.cast(cast, get(src)));
            case Insn.Swap(var order, var bits, var dst) -> set(dst, Alu.swap(order, bits, get(dst)));
            case Insn.LoadWide(var dst, Wide.Constant(long constant)) -> set(dst, constant);
            case Insn.LoadWide(var dst, Wide.Function(int function)) -> set(dst, FUNCTIONS + 8L * function);
            case Insn.LoadWide(var dst, var wide) -> set(dst, environment.resolve(wide));
            case Insn.Load load -> load(load);
            case Insn.Store(var size, var base, var offset, var src) -> store(size, base, offset, value(src));
            case Insn.Atomic atomic -> atomic(atomic);
            case Insn.LoadAcquire(var size, var dst, var base, var offset) ->
                load(new Insn.Load(size, Extension.ZERO, dst, base, offset));
            case Insn.StoreRelease(var size, var base, var offset, var src) -> store(size, base, offset, get(src));
            case Insn.Jump(var _, int distance) -> next += distance;
            case Insn.Branch(var op, var width, var dst, var src, short distance) ->
                next += Alu.holds(op, width, get(dst), value(src)) ? distance : 0;
            case Insn.MayGoto(short distance) -> next += --budget < 0 ? distance : 0;
            case Insn.CallHelper(int number) -> callHelper(number);
            case Insn.CallLocal(int distance) -> callLocal(distance);
            case Insn.CallKernelFunction(String name) -> callFunction(name);
            case Insn.Exit _ -> leave();
            case Insn.Poison(String reason, var _) -> throw new ProgramFault(reason);
        }
    }

    /** Where an access goes; nowhere when it leaves the arena. */
    private OptionalLong place(Reg base, int offset, MemSize size) {
        return arena.isAccess(at) ? arena.place(get(base), offset, size.bytes()) : OptionalLong.of(get(base) + offset);
    }

    private void load(Insn.Load load) {
        OptionalLong address = place(load.base(), load.offset(), load.size());
        long value = address.isPresent() ? memory.read(address.getAsLong(), load.size()) : 0;
        set(load.dst(), load.extension() == Extension.SIGN ? Alu.signExtend(load.size(), value) : value);
    }

    private void store(MemSize size, Reg base, int offset, long value) {
        OptionalLong address = place(base, offset, size);
        if (address.isPresent()) {
            memory.write(address.getAsLong(), size, value);
        }
    }

    private void atomic(Insn.Atomic insn) {
        OptionalLong place = place(insn.base(), insn.offset(), insn.size());
        if (place.isEmpty()) {
            return;
        }
        long address = place.getAsLong();
        long operand = insn.size() == MemSize.W ? get(insn.src()) & 0xffff_ffffL : get(insn.src());
        long expected = insn.size() == MemSize.W ? registers[0] & 0xffff_ffffL : registers[0];
        LongBinaryOperator change = switch (insn.op()) {
            case ADD -> Long::sum;
            case OR -> (left, right) -> left | right;
            case AND -> (left, right) -> left & right;
            case XOR -> (left, right) -> left ^ right;
            case XCHG -> (_, right) -> right;
            case CMPXCHG -> (left, right) -> left == expected ? right : left;
        };
        long old = memory.change(address, insn.size(), change, operand);
        if (insn.op() == AtomicOp.CMPXCHG) {
            registers[0] = old;
        } else if (insn.fetch() == Fetch.OLD_VALUE || insn.op() == AtomicOp.XCHG) {
            set(insn.src(), old);
        }
    }

    private void callHelper(int number) {
        long[] arguments = Arrays.copyOfRange(registers, 1, 6);
        if (number == Helper.TAIL_CALL.number()) {
            tailCall(arguments);
            return;
        }
        registers[0] = helper(number, arguments);
    }

    private long helper(int number, long[] arguments) {
        if (number == Helper.LOOP.number()) {
            return loop(arguments);
        }
        Optional<Helper> known = Helper.byNumber(number);
        OptionalLong done = known.isPresent() ? objects.call(known.get(), arguments) : OptionalLong.empty();
        return done.isPresent() ? done.getAsLong() : environment.call(number, arguments, functions);
    }

    private void callFunction(String name) {
        Optional<Helper> function = Helper.function(name);
        registers[0] = (function.isPresent()
                        ? objects.call(function.get(), Arrays.copyOfRange(registers, 1, 6))
                        : OptionalLong.empty())
                .orElseThrow(() -> new ProgramFault("call of kernel function " + name));
    }

    /** Another program goes on in place of this function, or nothing happens. */
    private void tailCall(long[] arguments) {
        Optional<InsnList> other =
                tailCalls < MAX_TAIL_CALLS ? environment.program(arguments[1], (int) arguments[2]) : Optional.empty();
        if (other.isPresent()) {
            tailCalls++;
            insns = other.get();
            next = 0;
            depth = 1;
            budget = rounds;
        }
    }

    private long loop(long[] arguments) {
        int count = (int) arguments[0];
        if (arguments[3] != 0) {
            return -EINVAL;
        }
        if (Integer.compareUnsigned(count, MAX_ROUNDS) > 0) {
            return -E2BIG;
        }
        for (int round = 0; round < count; round++) {
            if (call(arguments[1], round, arguments[2]) != 0) {
                return round + 1;
            }
        }
        return count;
    }

    /** A function that a helper calls: it has a frame below that of the helper's caller. */
    private long call(long function, long... arguments) {
        long slot = (function - FUNCTIONS) / 8;
        if (slot < 0 || slot >= insns.slots() || !insns.startsAt((int) slot)) {
            throw new ProgramFault("call of 0x%x, which is no function".formatted(function));
        }
        enter();
        System.arraycopy(arguments, 0, registers, 1, arguments.length);
        long result = execute((int) slot);
        leave();
        return result;
    }

    private void callLocal(int distance) {
        enter();
        next += distance;
    }

    private void enter() {
        if (depth == MAX_FRAMES) {
            throw new ProgramFault("more than " + MAX_FRAMES + " frames");
        }
        callers.push(new Caller(insns, next, Arrays.copyOfRange(registers, 6, 11), budget, depth));
        depth++;
        registers[10] -= FRAME_BYTES;
        budget = rounds;
    }

    private void leave() {
        Caller caller = callers.pop();
        System.arraycopy(caller.preserved(), 0, registers, 6, caller.preserved().length);
        budget = caller.budget();
        insns = caller.insns();
        depth = caller.depth();
        next = caller.slot();
    }

    private long value(Operand operand) {
        return switch (operand) {
            case Operand.Imm(int value) -> value;
            case Operand.Src(Reg reg) -> get(reg);
        };
    }

    private long get(Reg reg) {
        return registers[reg.number()];
    }

    private void set(Reg reg, long value) {
        registers[reg.number()] = value;
    }
}
