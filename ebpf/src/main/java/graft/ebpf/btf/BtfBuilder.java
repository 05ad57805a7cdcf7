package graft.ebpf.btf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes BTF: ids are given first, so that types can refer to each other; each is described once later. */
public final class BtfBuilder {
    private static final int HEADER = 24;
    private static final int MAX_MEMBERS = 0xffff;

    private final List<int[]> types = new ArrayList<>();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final Map<String, Integer> known = new HashMap<>();

    /** Nothing but {@code void}. */
    public BtfBuilder() {
        strings.write(0);
        known.put("", 0);
    }

    /** A new id, of {@code void} until it is described. */
    public int reserve() {
        types.add(new int[] {0, 8 << 24, 0});
        return types.size();
    }

    /** How many ids there are. */
    public int count() {
        return types.size();
    }

    /** Describes a type by its numbers; structs, unions, enumerations and prototypes have too many members to be cut. */
    private void set(int id, String name, int kind, int members, int value, int... data) {
        int[] words = new int[3 + data.length];
        words[0] = string(name);
        words[1] = kind << 24 | members;
        words[2] = value;
        System.arraycopy(data, 0, words, 3, data.length);
        types.set(id - 1, words);
    }

    /** An integer; {@code encoding} as in {@link BtfType.Int}. */
    public void integer(int id, String name, int size, int encoding) {
        set(id, name, 1, 0, size, encoding << 24 | size * 8);
    }

    /** A floating-point number. */
    public void floating(int id, String name, int size) {
        set(id, name, 16, 0, size);
    }

    /** A pointer. */
    public void pointer(int id, int target) {
        set(id, "", 2, 0, target);
    }

    /** {@code const}; the others of its kind mean the same here. */
    public void modifier(int id, int target) {
        set(id, "", 10, 0, target);
    }

    /** A typedef. */
    public void typedef(int id, String name, int target) {
        set(id, name, 8, 0, target);
    }

    /** A type that is only declared. */
    public void forward(int id, BtfType.Composite.Kind kind, String name) {
        set(id, name, kind == BtfType.Composite.Kind.UNION ? 0x80 | 7 : 7, 0, 0);
    }

    /** An array; {@code index} is an integer. */
    public void array(int id, int element, int index, int count) {
        set(id, "", 3, 0, 0, element, index, count);
    }

    /** A function's type. */
    public void prototype(int id, int result, List<Integer> parameters) {
        int[] data = new int[2 * Math.min(MAX_MEMBERS, parameters.size())];
        for (int i = 0; i < data.length / 2; i++) {
            data[2 * i + 1] = parameters.get(i);
        }
        set(id, "", 13, data.length / 2, result, data);
    }

    /** A struct or union. */
    public void composite(int id, BtfType.Composite type) {
        List<BtfType.Member> members =
                type.members().subList(0, Math.min(MAX_MEMBERS, type.members().size()));
        boolean bitFields = members.stream().anyMatch(member -> member.bitSize() > 0);
        int[] data = new int[3 * members.size()];
        for (int i = 0; i < members.size(); i++) {
            BtfType.Member member = members.get(i);
            data[3 * i] = string(member.name());
            data[3 * i + 1] = member.type();
            data[3 * i + 2] = bitFields ? member.bitSize() << 24 | member.bitOffset() & 0xffffff : member.bitOffset();
        }
        int kind = type.kind() == BtfType.Composite.Kind.UNION ? 5 : 4;
        set(id, type.name(), bitFields ? 0x80 | kind : kind, members.size(), type.size(), data);
    }

    /** An enumeration of at most 8 bytes. */
    public void enumeration(int id, BtfType.Enumeration type) {
        boolean wide = type.size() > 4;
        int words = wide ? 3 : 2;
        int count = Math.min(MAX_MEMBERS, type.values().size());
        int[] data = new int[words * count];
        for (int i = 0; i < count; i++) {
            BtfType.Value value = type.values().get(i);
            data[words * i] = string(value.name());
            data[words * i + 1] = (int) value.value();
            if (wide) {
                data[words * i + 2] = (int) (value.value() >>> 32);
            }
        }
        int kind = wide ? 19 : 6;
        set(id, type.name(), type.isSigned() ? 0x80 | kind : kind, count, type.size(), data);
    }

    private int string(String text) {
        return known.computeIfAbsent(text, _ -> {
            int at = strings.size();
            strings.writeBytes(text.getBytes(StandardCharsets.UTF_8));
            strings.write(0);
            return at;
        });
    }

    /** Everything that was described. */
    public byte[] bytes() {
        int length = types.stream().mapToInt(type -> 4 * type.length).sum();
        ByteBuffer bytes = ByteBuffer.allocate(HEADER + length + strings.size()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(HEADER);
        bytes.putInt(0).putInt(length).putInt(length).putInt(strings.size());
        for (int[] type : types) {
            for (int word : type) {
                bytes.putInt(word);
            }
        }
        return bytes.put(strings.toByteArray()).array();
    }
}
