package graft.ebpf.verifier;

import graft.ebpf.object.KernelType;
import graft.ebpf.object.MapSpec;

/** Loads and stores through the context pointer. */
final class ContextMemory {
    private static final int SYSCALL_CONTEXT = 65_535;
    private static final int FLOW_KEYS = 56;
    static final String FLOW_KEYS_NAME = "the flow keys";

    private ContextMemory() {}

    static Value load(Step step, Memory.Place place, int bytes) {
        Setting setting = step.walk.setting();
        if (setting.type() == KernelType.SYSCALL && !setting.isForTarget()) {
            range(step, place, bytes);
            return Memory.unknown(bytes);
        }
        requireUnmoved(setting, place);
        long offset = place.offset().constant();
        if (setting.context().isPresent()) {
            if (!setting.context().get().readable(offset, bytes)) {
                throw noField(setting, place, bytes);
            }
            step.walk.notes().contextRead((int) offset);
            return Memory.unknown(bytes);
        }
        if (TracingContext.isTyped(setting)) {
            return TracingContext.load(step, place, bytes);
        }
        return value(step, field(setting, place, bytes, KernelContexts.Access.READ), bytes);
    }

    static void store(Step step, Memory.Place place, int bytes, Value value) {
        Setting setting = step.walk.setting();
        if (setting.type() == KernelType.SYSCALL) {
            range(step, place, bytes);
            return;
        }
        requireUnmoved(setting, place);
        if (setting.isForTarget()) {
            ChangeRules.store(step, place, bytes, value);
        } else {
            field(setting, place, bytes, KernelContexts.Access.WRITE);
        }
    }

    /** A range for a helper: only system call programs have a context that is plain memory. */
    static void range(Step step, Memory.Place place, long bytes) {
        if (step.walk.setting().type() != KernelType.SYSCALL) {
            throw Memory.notMemory(place);
        }
        step.require(new Obligation.InBounds(place.base(), "the context", place.offset(), bytes, SYSCALL_CONTEXT));
    }

    private static KernelContexts.Found field(
            Setting setting, Memory.Place place, int bytes, KernelContexts.Access access) {
        return KernelContexts.find(setting.section(), place.offset().constant(), bytes, access)
                .orElseThrow(() -> noField(setting, place, bytes));
    }

    private static Value value(Step step, KernelContexts.Found found, int bytes) {
        return switch (found.field()) {
            case NUMBER -> Memory.unknown(bytes);
            case PACKET -> packet(Value.Region.Packet.Part.DATA);
            case PACKET_META -> packet(Value.Region.Packet.Part.META);
            case PACKET_END -> Pointer.to(Value.Region.PacketEnd.PACKET_END);
            case SOCKET -> Pointer.to(new Value.Region.Socket(Value.Region.Socket.Kind.SOCKET, 0));
            case SOCKET_OR_NULL -> orNull(step, new Value.Region.Socket(Value.Region.Socket.Kind.SOCKET, 0));
            case SOCK_COMMON_OR_NULL -> orNull(step, new Value.Region.Socket(Value.Region.Socket.Kind.SOCK_COMMON, 0));
            case FLOW_KEYS ->
                Pointer.to(new Value.Region.Memory(FLOW_KEYS_NAME, FLOW_KEYS, MapSpec.Access.READ_WRITE, 0));
            case KERNEL -> KernelMemory.trusted(step, found.struct());
        };
    }

    private static Pointer packet(Value.Region.Packet.Part part) {
        return Pointer.to(new Value.Region.Packet(part, 0, 0, 0));
    }

    private static Pointer orNull(Step step, Value.Region region) {
        return new Pointer(region, Scalar.ZERO, step.walk.origins().nextAt(step.slot));
    }

    private static void requireUnmoved(Setting setting, Memory.Place place) {
        if (!place.pointer().offset().is(0)) {
            throw new Refused(Finding.of(
                    Cause.OUT_OF_BOUNDS,
                    place.base(),
                    "the context is accessed through a pointer that was moved",
                    "use whole fields of " + name(setting) + " at constant offsets"));
        }
    }

    private static String name(Setting setting) {
        return setting.context().map(ContextLayout::name).orElse("the context");
    }

    private static Refused noField(Setting setting, Memory.Place place, int bytes) {
        return new Refused(Finding.of(
                Cause.OUT_OF_BOUNDS,
                place.base(),
                "%s has no such field of %d bytes at offset %d"
                        .formatted(name(setting), bytes, place.offset().constant()),
                "access whole fields of " + name(setting) + " at constant offsets"));
    }
}
