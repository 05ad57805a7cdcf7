package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.verifier.Value.Resident.Source;
import graft.ebpf.verifier.Value.Resident.Thing;
import java.util.Optional;

/**
 * Functions of the program that helpers call. A call is walked as any number of rounds: one path goes on behind the call,
 * the other enters the function and comes back to the call, until a round teaches nothing new.
 */
final class Callbacks {
    private static final int LOOP = 181;
    private static final int FOR_EACH = 164;
    private static final int FIND_VMA = 180;
    private static final int DRAIN = 209;
    private static final int TIMER = 170;

    private Callbacks() {}

    /** What the helper was given. */
    record Given(Optional<MapSpec> map, Value context) {}

    /** Whether a call's helper calls back before it returns. */
    static boolean isLoopHead(Insn insn) {
        return insn instanceof Insn.CallHelper(var number)
                && (number == LOOP || number == FOR_EACH || number == FIND_VMA || number == DRAIN);
    }

    /** Called before the arguments are forgotten and r0 is set, so that the function can come back here. */
    static void enter(Step step, Prototype helper, Value.Region.Function function, Given given) {
        if (helper.number() == TIMER) {
            asynchronous(step, function, given);
            return;
        }
        step.walk.notes().calledBack(function.slot());
        if (helper.number() == LOOP) {
            Scalar rounds = (Scalar) step.state.get(Reg.R1);
            if (Long.compareUnsigned(step.state.top().rounds(), rounds.wide().umax()) >= 0) {
                step.state.top().rounds(0);
                return;
            }
        }
        AbstractState round = step.fork(function.slot());
        round.top().countRound();
        round.countCallback();
        step.state.top().rounds(0);
        FrameTransfer.requireRoom(round);
        Frame frame = new Frame(function.slot(), step.slot, round.depth());
        frame.callback(helper.number());
        arguments(step, frame, helper.number(), given);
        round.push(frame);
        step.walk.notes().depth(round.depth());
    }

    private static void arguments(Step step, Frame frame, int helper, Given given) {
        Value[] registers = frame.registers;
        switch (helper) {
            case LOOP -> {
                registers[1] = Scalar.UNKNOWN;
                registers[2] = given.context();
            }
            case FOR_EACH -> {
                MapSpec map = given.map().orElseThrow();
                registers[1] = Pointer.to(new Value.Region.MapObject(map, 0));
                registers[2] = Pointer.to(new Value.Region.Memory(
                        "a key of map " + map.name(), map.keySize(), MapSpec.Access.READ_ONLY, 0));
                registers[3] = value(step, map);
                registers[4] = given.context();
            }
            case FIND_VMA -> {
                registers[1] = KernelMemory.trusted(step, "task_struct");
                registers[2] = KernelMemory.trusted(step, "vm_area_struct");
                registers[3] = given.context();
            }
            default -> {
                Thing.Dynptr dynptr = new Thing.Dynptr(
                        Source.LOCAL, step.walk.origins().nextAt(step.slot), 0, MapSpec.Access.READ_WRITE);
                registers[1] = Pointer.to(new Value.Region.StackObject(dynptr));
                registers[2] = given.context();
            }
        }
    }

    private static Pointer value(Step step, MapSpec map) {
        int identity =
                step.walk.specialFields(map).isEmpty() ? 0 : step.walk.origins().next();
        return Pointer.to(new Value.Region.MapValue(map, identity));
    }

    /** A timer's function runs later, on its own. */
    private static void asynchronous(Step step, Value.Region.Function function, Given given) {
        MapSpec map = given.map().orElseThrow();
        if (!step.walk.notes().timerFunction(step.slot, function.slot())
                && step.walk.setting().isForTarget()) {
            throw new Refused(Finding.of(
                    Cause.BAD_CALLBACK,
                    Reg.R2,
                    "this call gives timers one function on one path and another on another",
                    "a call for each function"));
        }
        Frame frame = new Frame(function.slot(), Frame.NO_RETURN, 0);
        frame.callback(TIMER);
        frame.registers[1] = Pointer.to(new Value.Region.MapObject(map, 0));
        frame.registers[2] = Pointer.to(
                new Value.Region.Memory("a key of map " + map.name(), map.keySize(), MapSpec.Access.READ_ONLY, 0));
        frame.registers[3] = value(step, map);
        step.walk.start(new AbstractState(frame), function.slot());
    }

    /** A function that a helper called ends: 0 or 1 in r0. */
    static void leave(Step step, Frame frame) {
        Value result = step.read(Reg.R0);
        long most = frame.callback() == TIMER ? 0 : 1;
        String suggestion = most == 0 ? "return 0" : "return 0 to go on, 1 to stop";
        if (!(result instanceof Scalar number)) {
            throw bad("the callback returns a pointer", suggestion);
        }
        number.mustBePrecise();
        if (number.wide().smin() < 0 || number.wide().smax() > most) {
            throw bad(
                    "the callback returns %s, but must return %s"
                            .formatted(
                                    Texts.interval(
                                            number.wide().smin(), number.wide().smax()),
                                    most == 0 ? "0" : "0 or 1"),
                    suggestion);
        }
    }

    private static Refused bad(String why, String suggestion) {
        return new Refused(Finding.of(Cause.BAD_CALLBACK, Reg.R0, why, suggestion));
    }
}
