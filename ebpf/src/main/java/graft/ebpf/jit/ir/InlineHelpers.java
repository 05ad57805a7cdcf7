package graft.ebpf.jit.ir;

import graft.ebpf.helper.Helper;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.object.MapType;
import java.util.Optional;

/** Which helper calls need no call, because the target's constants are known. */
public final class InlineHelpers {
    private InlineHelpers() {}

    /** Whether a call of {@code helper}, on {@code map} if it takes one, is done in place. */
    public static boolean contains(Helper helper, Optional<MapBinding> map, TargetBinding binding) {
        return switch (helper) {
            case GET_FUNC_IP, GET_ATTACH_COOKIE, OVERRIDE_RETURN, LOOP -> true;
            case TAIL_CALL -> map.isPresent() && binding.programs().isPresent();
            case GET_CURRENT_PID_TGID ->
                binding.tgid().isPresent() && binding.tidOffset().isPresent();
            case GET_SMP_PROCESSOR_ID -> binding.cpuOffset().isPresent();
            case MAP_LOOKUP_ELEM ->
                map.filter(one -> one.data() != 0 && (isArray(one, binding) || isShortKeyed(one, binding)))
                        .isPresent();
            default -> false; // the agent has them
        };
    }

    /** Whether the map is a hash whose keys fit into a register. */
    private static boolean isShortKeyed(MapBinding map, TargetBinding binding) {
        return map.hash()
                .filter(hash -> hash.keySize() == Integer.BYTES || hash.keySize() == Long.BYTES)
                .filter(hash -> hash.rows().isEmpty() || hasRows(map, binding))
                .isPresent();
    }

    private static boolean isArray(MapBinding map, TargetBinding binding) {
        return map.type() == MapType.ARRAY || map.type() == MapType.PERCPU_ARRAY && hasRows(map, binding);
    }

    private static boolean hasRows(MapBinding map, TargetBinding binding) {
        return map.rows().isPresent() && binding.cpuOffset().isPresent();
    }
}
