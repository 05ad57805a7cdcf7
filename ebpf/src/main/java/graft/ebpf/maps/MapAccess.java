package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import graft.platform.linux.Pidfd;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A map as {@code bpf(2)} gives it to somebody who is no program of its own: one form for all types, and the kernel's errno
 * where a type or its flags do not allow a call. May be used by any thread, as the map may.
 */
public final class MapAccess {
    private static final byte[] NOTHING = new byte[0];
    private static final int RDONLY = 1 << 3;
    private static final int WRONLY = 1 << 4;

    private final BpfMap map;
    private final Naming naming;
    private final int programs;

    /** How threads that are keys, and control groups that are values, are named. */
    public enum Naming {
        /** By descriptors of this process, as in bpf(2), which lists neither. */
        DESCRIPTOR,
        /** A thread by its number, a group by its id. */
        NUMBER
    }

    /** @param map borrowed */
    public MapAccess(BpfMap map) {
        this(map, Naming.DESCRIPTOR, 0);
    }

    /**
     * The same with other names.
     *
     * @param programs how many there are for arrays of programs, whose values are their numbers from 1
     */
    public MapAccess(BpfMap map, Naming naming, int programs) {
        this.map = map;
        this.naming = naming;
        this.programs = programs;
    }

    /**
     * What a call gives.
     *
     * @param error an errno, or 0
     * @param value of each possible CPU, padded to 8 bytes, where the map has them; empty with an error
     */
    public record Answer(int error, byte[] value) {
        private static Answer failed(int error) {
            return new Answer(error, NOTHING);
        }

        private static Answer of(Optional<byte[]> value) {
            return value.map(found -> new Answer(0, found)).orElseGet(() -> failed(Errno.ENOENT));
        }
    }

    /** What {@link #entries} gives one after another; queues and stacks have values only. */
    @FunctionalInterface
    public interface EntryConsumer {
        /** @return whether to go on */
        boolean accept(byte[] key, byte[] value);
    }

    /** Bytes of a key in calls. */
    public int keyBytes() {
        return map.spec().keySize();
    }

    /** Bytes of a value in calls. */
    public int valueBytes() {
        return switch (map) {
            case CgroupArray _ when naming == Naming.NUMBER -> Long.BYTES;
            case KeyedMap keyed -> keyed.valueBytes();
            case RegionMap other -> other.spec().valueSize();
        };
    }

    /** The same with flags, of which there is {@code BPF_F_LOCK}: the value as it is under its lock. */
    public Answer lookup(byte[] key, long flags) {
        if (has(WRONLY)) {
            return Answer.failed(Errno.EPERM);
        }
        if ((flags & ~ValueLock.FLAG) != 0 || ValueLock.isMissing(map.spec(), flags) || key.length != keyBytes()) {
            return Answer.failed(Errno.EINVAL);
        }
        return flags != 0 && map instanceof KeyedMap keyed ? Answer.of(keyed.lookupLocked(key)) : lookup(key);
    }

    /** The value of a key; of a queue or stack what a take would give. A filter is asked for {@code key} as a value. */
    public Answer lookup(byte[] key) {
        if (has(WRONLY)) {
            return Answer.failed(Errno.EPERM);
        }
        if (key.length != (map instanceof BloomFilter ? valueBytes() : keyBytes())) {
            return Answer.failed(Errno.EINVAL);
        }
        return switch (map) {
            case ArrayMap programs
            when isProgramArray() -> Answer.of(programs.lookup(key).filter(MapAccess::isSet));
            case CgroupArray groups -> lookup(groups, key);
            case KeyedMap keyed -> Answer.of(keyed.lookup(key));
            case QueueMap queue -> Answer.of(queue.peek());
            case BloomFilter filter -> filter.mayContain(key) ? new Answer(0, key) : Answer.failed(Errno.ENOENT);
            case RingBuffer _, PerfBuffers _, UserRingBuffer _ -> Answer.failed(Errno.ENOTSUPP);
            case ArenaMap _ -> Answer.failed(Errno.EINVAL);
            case TaskStorageMap storage -> {
                int thread = thread(key);
                yield thread < 0 ? Answer.failed(-thread) : Answer.of(storage.lookup(thread));
            }
        };
    }

    private Answer lookup(CgroupArray groups, byte[] key) {
        if (naming == Naming.DESCRIPTOR) {
            return Answer.failed(Errno.ENOTSUPP);
        }
        OptionalLong id = groups.id(MapBytes.intAt(key, 0));
        return id.isPresent() ? new Answer(0, MapBytes.ofLong(id.getAsLong())) : Answer.failed(Errno.ENOENT);
    }

    /** The number of the thread that a key is for: 0 for one that has ended, or {@code -EBADF}. */
    private int thread(byte[] key) {
        int number = MapBytes.intAt(key, 0);
        return naming == Naming.NUMBER ? Math.max(number, 0) : Pidfd.processOf(number);
    }

    private int update(TaskStorageMap storage, byte[] key, byte[] value, long flags) {
        int thread = thread(key);
        return thread < 0 ? -thread : -storage.update(thread, value, flags);
    }

    private int delete(TaskStorageMap storage, byte[] key) {
        int thread = thread(key);
        return thread < 0 ? -thread : -storage.delete(thread);
    }

    /** Sets a value; adds it to what has no keys. Returns an errno, or 0. */
    public int update(byte[] key, byte[] value, long flags) {
        if (isReadOnly()) {
            return Errno.EPERM;
        }
        if (ValueLock.isMissing(map.spec(), flags) || key.length != keyBytes() || value.length != valueBytes()) {
            return Errno.EINVAL;
        }
        return switch (map) {
            case ArrayMap array when isProgramArray() -> setProgram(array, key, value, flags);
            case CgroupArray groups
            when naming == Naming.NUMBER -> -groups.put(MapBytes.intAt(key, 0), MapBytes.longAt(value, 0), flags);
            case KeyedMap keyed -> -keyed.update(key, value, flags);
            case QueueMap queue -> -queue.push(value, flags);
            case BloomFilter filter -> -filter.add(value, flags);
            case RingBuffer _, PerfBuffers _, UserRingBuffer _ -> Errno.ENOTSUPP;
            case ArenaMap _ -> Errno.EOPNOTSUPP;
            case TaskStorageMap storage -> update(storage, key, value, flags);
        };
    }

    /** Removes a key: an errno, or 0. */
    public int delete(byte[] key) {
        if (isReadOnly()) {
            return Errno.EPERM;
        }
        if (key.length != keyBytes()) {
            return Errno.EINVAL;
        }
        return switch (map) {
            case ArrayMap programs when isProgramArray() -> deleteProgram(programs, key);
            case KeyedMap keyed -> -keyed.delete(key);
            case QueueMap _ -> Errno.EINVAL;
            case BloomFilter _, ArenaMap _ -> Errno.EOPNOTSUPP;
            case RingBuffer _, PerfBuffers _, UserRingBuffer _ -> Errno.ENOTSUPP;
            case TaskStorageMap storage -> delete(storage, key);
        };
    }

    private int setProgram(ArrayMap array, byte[] key, byte[] value, long flags) {
        if (flags != KeyedMap.ANY) {
            return Errno.EINVAL;
        }
        if (array.lookup(key).isEmpty()) {
            return Errno.E2BIG;
        }
        int number = MapBytes.intAt(value, 0);
        return number < 1 || number > programs ? Errno.EBADF : -array.update(key, value, KeyedMap.ANY);
    }

    private static int deleteProgram(ArrayMap programs, byte[] key) {
        Optional<byte[]> number = programs.lookup(key);
        if (number.isEmpty()) {
            return Errno.E2BIG;
        }
        return isSet(number.get()) ? -programs.update(key, new byte[number.get().length], KeyedMap.ANY) : Errno.ENOENT;
    }

    /** Takes the next value of a queue or stack out. */
    public Answer take() {
        if (isReadOnly() || has(WRONLY)) {
            return Answer.failed(Errno.EPERM);
        }
        return map instanceof QueueMap queue ? Answer.of(queue.pop()) : Answer.failed(Errno.ENOTSUPP);
    }

    /**
     * All that is in it at about this moment: an errno, or 0. Nothing is taken out. Values of threads, which bpf(2) does not list, come
     * with the threads' numbers; control groups come by their ids only.
     */
    public int entries(EntryConsumer consumer) {
        if (has(WRONLY)) {
            return Errno.EPERM;
        }
        return switch (map) {
            case KeyedMap keyed -> {
                walk(keyed, consumer);
                yield 0;
            }
            case QueueMap queue -> {
                List<byte[]> values = queue.values();
                for (byte[] value : values) {
                    if (!consumer.accept(NOTHING, value)) {
                        break;
                    }
                }
                yield 0;
            }
            case TaskStorageMap storage -> {
                storage.forgetEnded();
                for (int thread : storage.threads()) {
                    Optional<byte[]> value = storage.lookup(thread);
                    if (value.isPresent() && !consumer.accept(MapBytes.ofInt(thread), value.get())) {
                        break;
                    }
                }
                yield 0;
            }
            case BloomFilter _, ArenaMap _ -> Errno.EOPNOTSUPP;
            case RingBuffer _, PerfBuffers _, UserRingBuffer _ -> Errno.ENOTSUPP;
        };
    }

    private void walk(KeyedMap keyed, EntryConsumer consumer) {
        for (byte[] key : keyed.keys()) {
            Answer answer = lookup(key);
            if (answer.error() == 0 && !consumer.accept(key, answer.value())) {
                return;
            }
        }
    }

    private boolean isProgramArray() {
        return map.spec().type() == MapType.PROG_ARRAY;
    }

    private static boolean isSet(byte[] number) {
        return MapBytes.intAt(number, 0) != 0;
    }

    private boolean isReadOnly() {
        return has(RDONLY) || map.spec().access() == MapSpec.Access.READ_ONLY || map.isFrozen();
    }

    private boolean has(int flag) {
        return (map.spec().flags() & flag) != 0;
    }
}
