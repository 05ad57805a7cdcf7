package graft.ebpf.verifier;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import graft.ebpf.verifier.Value.Region.Socket;
import java.util.Optional;
import java.util.Set;

/** What a helper leaves in r0. */
final class HelperResult {
    private static final long MOST_NEGATIVE_ERROR = -4095;
    private static final Set<Integer> SOCKET_LOOKUPS = Set.of(84, 85, 99);
    private static final int LOOKUP = 1;
    private static final int PROCESSOR = 8;
    private static final int POSSIBLE_PROCESSORS = 8192;

    private HelperResult() {}

    static Value of(Prototype prototype, HelperArguments arguments, Step step) {
        return switch (prototype.result().kind()) {
            case NUMBER ->
                prototype.number() == PROCESSOR ? Scalar.unsigned(0, POSSIBLE_PROCESSORS - 1) : Scalar.UNKNOWN;
            case NOTHING -> step.walk.setting().isForTarget() ? Scalar.UNKNOWN : Value.Nothing.UNINITIALISED;
            case LENGTH -> Scalar.signed(MOST_NEGATIVE_ERROR, arguments.largestSize());
            case VALUE -> Pointer.to(new Value.Region.MapValue(arguments.map(), 0));
            case VALUE_OR_NULL -> valueOrNull(arguments, prototype, step);
            case RECORD_OR_NULL -> {
                int reference = acquired(step);
                yield new Pointer(new Value.Region.Record(reference, arguments.largestSize()), Scalar.ZERO, reference);
            }
            case SLICE_OR_NULL -> slice(arguments, arguments.sliceAccess(), step);
            case READ_ONLY_SLICE_OR_NULL -> slice(arguments, MapSpec.Access.READ_ONLY, step);
            case SOCKET_OR_NULL -> socket(prototype, arguments, step, Socket.Kind.SOCKET);
            case SOCK_COMMON_OR_NULL -> socket(prototype, arguments, step, Socket.Kind.SOCK_COMMON);
            case TCP_SOCK_OR_NULL -> socket(prototype, arguments, step, Socket.Kind.TCP_SOCK);
            case KERNEL -> KernelMemory.trusted(step, prototype.result().struct());
            case KERNEL_OR_NULL -> kernelOrNull(prototype, arguments, step);
            case PER_CPU -> Pointer.to(arguments.perCpu());
            case PER_CPU_OR_NULL -> orNull(step, arguments.perCpu());
        };
    }

    private static Value slice(HelperArguments arguments, MapSpec.Access access, Step step) {
        return orNull(
                step,
                new Value.Region.Memory("a slice of a dynptr", arguments.largestSize(), access, arguments.dynptr()));
    }

    private static Value valueOrNull(HelperArguments arguments, Prototype prototype, Step step) {
        MapSpec map = arguments.map();
        int id = step.walk.origins().nextAt(step.slot);
        if (map.type() == MapType.ARRAY_OF_MAPS || map.type() == MapType.HASH_OF_MAPS) {
            Optional<MapSpec> inner = step.walk.innerMap(map);
            if (inner.isPresent()) {
                return new Pointer(new Value.Region.MapObject(inner.get(), id), Scalar.ZERO, id);
            }
        }
        if (map.type() == MapType.XSKMAP) {
            return new Pointer(new Socket(Socket.Kind.XDP_SOCK, 0), Scalar.ZERO, id);
        }
        if (map.type() == MapType.SOCKMAP || map.type() == MapType.SOCKHASH) {
            step.state.acquire(id);
            return new Pointer(new Socket(Socket.Kind.SOCKET, id), Scalar.ZERO, id);
        }
        int identity = step.walk.specialFields(map).isEmpty() ? 0 : id;
        if (prototype.number() == LOOKUP && arguments.keyExists()) {
            return Pointer.to(new Value.Region.MapValue(map, identity));
        }
        return new Pointer(new Value.Region.MapValue(map, identity), Scalar.ZERO, id);
    }

    private static Value socket(Prototype prototype, HelperArguments arguments, Step step, Socket.Kind kind) {
        if (SOCKET_LOOKUPS.contains(prototype.number())) {
            int reference = acquired(step);
            return new Pointer(new Socket(kind, reference), Scalar.ZERO, reference);
        }
        // get_listener_sock gives another socket, which need not be given back.
        boolean sameSocket = prototype.number() != 98;
        return orNull(step, new Socket(kind, sameSocket ? arguments.reference() : 0));
    }

    private static Value kernelOrNull(Prototype prototype, HelperArguments arguments, Step step) {
        String struct = prototype.result().struct();
        if (struct.equals("any")) {
            int reference = acquired(step);
            Value.Region region = new Value.Region.Kernel(arguments.exchangedType(), "kptr", Trust.TRUSTED, reference);
            return new Pointer(region, Scalar.ZERO, reference);
        }
        int type = KernelMemory.idOf(step, struct);
        return orNull(step, new Value.Region.Kernel(type, struct, Trust.LEGACY, arguments.reference()));
    }

    private static int acquired(Step step) {
        int reference = step.walk.origins().nextAt(step.slot);
        step.state.acquire(reference);
        return reference;
    }

    private static Pointer orNull(Step step, Value.Region region) {
        return new Pointer(region, Scalar.ZERO, step.walk.origins().nextAt(step.slot));
    }
}
