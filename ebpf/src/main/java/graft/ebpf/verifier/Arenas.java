package graft.ebpf.verifier;

import graft.ebpf.insn.AddressCast;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.Map;
import java.util.Optional;

/**
 * Addresses of an arena. Nothing is known about them: all arithmetic is allowed and cut to 32 bits, all accesses are, and
 * those that go outside do nothing. How an instruction works depends on what it is used for, so that must be the same on
 * all paths.
 */
final class Arenas {
    static final Transfer<Insn.CastAddress> CAST = Arenas::cast;
    private static final Pointer ADDRESS = Pointer.to(Value.Region.Arena.ARENA);

    private Arenas() {}

    /** What an instruction may be used for. */
    enum Use {
        ACCESS,
        ARITHMETIC
    }

    static boolean isAddress(Value value) {
        return value instanceof Pointer pointer && pointer.region() == Value.Region.Arena.ARENA;
    }

    /** The arena of a program: the one that any of its instructions names, reached or not. */
    static Optional<MapSpec> of(InsnList insns, Map<String, MapSpec> maps) {
        Optional<MapSpec> found = Optional.empty();
        if (maps.values().stream().noneMatch(map -> map.type() == MapType.ARENA)) {
            return found;
        }
        for (Insn insn : insns.insns()) {
            Optional<MapSpec> named = named(insn, maps).filter(map -> map.type() == MapType.ARENA);
            if (named.isPresent() && found.isPresent() && !found.equals(named)) {
                throw new Refused(Finding.of(
                        Cause.WRONG_MAP_TYPE,
                        "the program uses two arenas, " + found.get().name() + " and "
                                + named.get().name(),
                        "use one arena in a program"));
            }
            found = named.isPresent() ? named : found;
        }
        return found;
    }

    private static Optional<MapSpec> named(Insn insn, Map<String, MapSpec> maps) {
        return switch (insn) {
            case Insn.LoadWide(var _, Wide.MapPointer(String map)) -> Optional.ofNullable(maps.get(map));
            case Insn.LoadWide(var _, Wide.MapValue(String map, long _)) -> Optional.ofNullable(maps.get(map));
            default -> Optional.empty();
        };
    }

    /** An address that is kept in an instruction. */
    static Value address(MapSpec arena, long offset) {
        if (offset < 0 || offset > ArenaArea.of(arena).bytes()) {
            throw new Refused(Finding.of(
                    Cause.OUT_OF_BOUNDS, "arena " + arena.name() + " has no byte " + offset, "recompile the object"));
        }
        return Scalar.UNKNOWN;
    }

    private static void cast(Insn.CastAddress insn, Step step) {
        Value value = step.read(insn.src());
        if (step.walk.arena().isEmpty()) {
            throw new Refused(Finding.of(
                    Cause.BAD_INSTRUCTION, insn.src(), "an address is cast, but the program uses no arena", ""));
        }
        if (step.walk.setting().isForTarget() && value instanceof Pointer pointer && !isAddress(value)) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    insn.src(),
                    insn.src() + " is " + pointer.region().noun() + ", and only addresses of the arena are cast",
                    "cast an address of the arena"));
        }
        step.write(insn.dst(), insn.cast() == AddressCast.TO_ACCESS ? ADDRESS : Scalar.UNKNOWN);
    }

    /** Arithmetic with an address on either side gives one. */
    static void arithmetic(Insn.Alu insn, Step step) {
        if (insn.width() == Width.W64) {
            note(step, Use.ARITHMETIC);
        }
        step.write(insn.dst(), ADDRESS);
    }

    static void noteAccess(Step step, Memory.Place place) {
        if (isAddress(place.pointer())) {
            note(step, Use.ACCESS);
        } else {
            requireNever(step, Use.ACCESS);
        }
    }

    private static void note(Step step, Use use) {
        if (!step.walk.notes().usesArena(step.slot, use)) {
            throw mixed();
        }
    }

    /** This time the instruction is used for something else. */
    static void requireNever(Step step, Use use) {
        if (step.walk.arena().isPresent() && !step.walk.notes().usesNoArena(step.slot, use)) {
            throw mixed();
        }
    }

    private static Refused mixed() {
        return new Refused(Finding.of(
                Cause.BAD_INSTRUCTION,
                "the instruction works on the arena on one path and on something else on another",
                "use different code for the two"));
    }

    /** The machine cannot do all of them where an access may fail. */
    static void requireAtomic(Insn.Atomic insn, Memory.Place place) {
        boolean loops = insn.fetch() == Fetch.OLD_VALUE
                && switch (insn.op()) {
                    case OR, AND, XOR -> true;
                    case ADD, XCHG, CMPXCHG -> false;
                };
        if (loops && isAddress(place.pointer())) {
            throw new Refused(Finding.of(
                    Cause.BAD_INSTRUCTION,
                    insn.base(),
                    "on the arena, " + insn.op() + " cannot fetch what was there",
                    "compare and exchange in a loop"));
        }
    }
}
