package graft.daemon.control;

import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.MapAccess;
import graft.platform.linux.Errno;

/**
 * What is wanted of a map.
 *
 * @param map its name in the session
 * @param key empty where there is none
 * @param value empty where there is none
 * @param flags {@code BPF_ANY}, {@code BPF_NOEXIST} or {@code BPF_EXIST}
 */
public record MapRequest(Operation operation, String map, byte[] key, byte[] value, long flags) {
    private static final byte[] NOTHING = new byte[0];

    /** What can be done with a map. */
    public enum Operation {
        LOOKUP,
        UPDATE,
        DELETE,
        TAKE
    }

    /** Does it. A map that contradicts itself answers {@code EUCLEAN}. */
    public MapAccess.Answer perform(MapAccess access) {
        try {
            return switch (operation) {
                case LOOKUP -> access.lookup(key);
                case UPDATE -> new MapAccess.Answer(access.update(key, value, flags), NOTHING);
                case DELETE -> new MapAccess.Answer(access.delete(key), NOTHING);
                case TAKE -> access.take();
            };
        } catch (DamagedMapException _) {
            return new MapAccess.Answer(Errno.EUCLEAN, NOTHING);
        }
    }

    /** The value of a key. */
    public static MapRequest lookup(String map, byte[] key) {
        return new MapRequest(Operation.LOOKUP, map, key, NOTHING, 0);
    }

    /** A new value. */
    public static MapRequest update(String map, byte[] key, byte[] value, long flags) {
        return new MapRequest(Operation.UPDATE, map, key, value, flags);
    }

    /** No value any more. */
    public static MapRequest delete(String map, byte[] key) {
        return new MapRequest(Operation.DELETE, map, key, NOTHING, 0);
    }

    /** The next value of a queue or stack. */
    public static MapRequest take(String map) {
        return new MapRequest(Operation.TAKE, map, NOTHING, NOTHING, 0);
    }
}
