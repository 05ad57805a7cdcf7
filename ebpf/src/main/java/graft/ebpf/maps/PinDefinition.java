package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Sysconf;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a pinned map is, as its file says behind the map's memory.
 *
 * <pre>
 * memory, whole pages | abi, processors | the definition | BTF | where all this begins, 8 bytes
 * </pre>
 *
 * @param abi of the layout of its memory
 * @param cpus possible processors when it was made
 * @param btf the types of the object that it was made for, empty without
 */
public record PinDefinition(int abi, int cpus, MapSpec spec, byte[] btf) {
    private static final long MAGIC = 0x6772_6166_7470_696eL;
    private static final int LARGEST = 64 << 20;
    private static final int NONE = -1;

    static PinDefinition of(MapSpec spec, byte[] btf) {
        return new PinDefinition(MapConstants.ABI, Sysconf.possibleCpus(), spec, btf);
    }

    /** What is to stand behind {@code memory} bytes. */
    byte[] bytes(long memory) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        try {
            out.writeLong(MAGIC);
            out.writeInt(abi);
            out.writeInt(cpus);
            out.writeUTF(spec.name());
            for (int number : new int[] {
                spec.type().number(),
                spec.keySize(),
                spec.valueSize(),
                spec.maxEntries(),
                spec.flags(),
                spec.keyType().orElse(NONE),
                spec.valueType().orElse(NONE)
            }) {
                out.writeInt(number);
            }
            out.writeLong(spec.extra());
            out.writeInt(btf.length);
            out.write(btf);
            out.writeLong(memory);
        } catch (IOException impossible) {
            throw new AssertionError(impossible);
        }
        return bytes.toByteArray();
    }

    /** What a file says, or nothing when it is no pinned map. */
    public static Optional<PinDefinition> read(Path file) throws IOException {
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            long end = in.size() - Long.BYTES;
            long start =
                    end < 0 ? NONE : ByteBuffer.wrap(read(in, end, Long.BYTES)).getLong();
            return start < 0 || start >= end || end - start > LARGEST
                    ? Optional.empty()
                    : parse(read(in, start, (int) (end - start)));
        }
    }

    private static byte[] read(FileChannel in, long from, int size) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(size);
        while (bytes.hasRemaining() && in.read(bytes, from + bytes.position()) > 0) {
            // more
        }
        return bytes.array();
    }

    private static Optional<PinDefinition> parse(byte[] bytes) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        if (in.readLong() != MAGIC) {
            return Optional.empty();
        }
        int abi = in.readInt();
        int cpus = in.readInt();
        String name = in.readUTF();
        Optional<MapType> type = MapType.byNumber(in.readInt());
        if (type.isEmpty()) {
            return Optional.empty();
        }
        MapSpec spec = new MapSpec.Builder(name, type.get())
                .sizes(in.readInt(), in.readInt(), in.readInt())
                .flags(in.readInt())
                .types(id(in.readInt()), id(in.readInt()))
                .extra(in.readLong())
                .build();
        return Optional.of(new PinDefinition(abi, cpus, spec, in.readNBytes(in.readInt())));
    }

    private static OptionalInt id(int number) {
        return number == NONE ? OptionalInt.empty() : OptionalInt.of(number);
    }

    /** What is different in {@code wanted}, in words that follow the map's name; what libbpf compares, and the machine. */
    Optional<String> difference(MapSpec wanted) {
        if (abi != MapConstants.ABI || cpus != Sysconf.possibleCpus()) {
            return Optional.of("it was pinned by another version of graft, or on a machine with other processors");
        }
        return different("type", spec.type(), wanted.type())
                .or(() -> different("key_size", spec.keySize(), wanted.keySize()))
                .or(() -> different("value_size", spec.valueSize(), wanted.valueSize()))
                .or(() -> different("max_entries", spec.maxEntries(), wanted.maxEntries()))
                .or(() -> different("map_flags", spec.flags(), wanted.flags()))
                .or(() -> different("map_extra", spec.extra(), wanted.extra()));
    }

    private static Optional<String> different(String what, Object pinned, Object wanted) {
        return pinned.equals(wanted)
                ? Optional.empty()
                : Optional.of("it is pinned with another definition: %s %s, not %s".formatted(what, pinned, wanted));
    }
}
