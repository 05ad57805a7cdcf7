package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;

/** Calls of local functions and returns. A function is walked anew at every call, unless it is global. */
final class FrameTransfer {
    static final Transfer<Insn.CallLocal> CALL = FrameTransfer::call;
    static final Transfer<Insn.Exit> EXIT = FrameTransfer::exit;

    private static final int MAX_FRAMES = 8;
    private static final Reg[] ARGUMENTS = {Reg.R1, Reg.R2, Reg.R3, Reg.R4, Reg.R5};

    private FrameTransfer() {}

    static void forgetArguments(Step step) {
        for (Reg reg : ARGUMENTS) {
            step.state.set(reg, Value.Nothing.UNINITIALISED);
        }
    }

    static void requireRoom(AbstractState state) {
        if (state.depth() == MAX_FRAMES) {
            throw new Refused(Finding.of(
                    Cause.CALL_TOO_DEEP,
                    "this call would be frame " + (MAX_FRAMES + 1) + " of at most " + MAX_FRAMES,
                    "inline functions, and use no recursion"));
        }
    }

    private static void call(Insn.CallLocal insn, Step step) {
        int target = step.next() + insn.distance();
        if (GlobalFunctions.call(step, target)) {
            return;
        }
        requireRoom(step.state);
        Frame callee = new Frame(target, step.next(), step.state.depth());
        for (Reg reg : ARGUMENTS) {
            callee.registers[reg.number()] = step.state.get(reg);
        }
        forgetArguments(step);
        step.state.set(Reg.R0, Value.Nothing.UNINITIALISED);
        step.state.push(callee);
        step.walk.notes().depth(step.state.depth());
        step.walk.visit(step.slot);
        step.goTo(target);
    }

    private static void exit(Insn.Exit insn, Step step) {
        Frame frame = step.state.top();
        if (frame.callback() != 0) {
            Callbacks.leave(step, frame);
        }
        if (step.state.depth() == 1) {
            if (frame.callback() == 0) {
                ExitRules.check(step);
            }
            LockRules.requireNone(step.state, "the program ends while a spin lock is held");
            step.require(new Obligation.NothingHeld(step.state, step.walk.origins()));
            step.end();
            return;
        }
        Value result = step.state.get(Reg.R0);
        if (result instanceof Pointer pointer && pointer.region() instanceof Value.Region.Stack) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    Reg.R0,
                    "the function returns a pointer into its stack",
                    "let the caller pass the memory"));
        }
        leave(step, result);
    }

    /** Back to the caller, with {@code result} in r0. */
    static void leave(Step step, Value result) {
        StackObjects.leaving(step.state);
        Frame callee = step.state.pop();
        if (callee.callback() != 0) {
            LoopRules.widen(step, callee.returnTo);
        } else {
            step.state.set(Reg.R0, result);
        }
        step.goTo(callee.returnTo);
    }
}
