package graft.ebpf.btf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** BTF written by hand, for what no compiler here makes. */
final class BtfWriter {
    private final ByteArrayOutputStream types = new ByteArrayOutputStream();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final int firstString;

    /** @param firstString length of the base's strings; 0 without a base */
    BtfWriter(int firstString) {
        this.firstString = firstString;
        if (firstString == 0) {
            strings.write(0);
        }
    }

    /** Bytes of the strings so far. */
    int strings() {
        return strings.size();
    }

    BtfWriter type(int kind, String name, int members, int value, int... data) {
        ByteBuffer bytes = ByteBuffer.allocate(12 + 4 * data.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(string(name)).putInt(kind << 24 | members).putInt(value);
        for (int number : data) {
            bytes.putInt(number);
        }
        types.writeBytes(bytes.array());
        return this;
    }

    int string(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        int at = firstString + strings.size();
        strings.writeBytes(text.getBytes(StandardCharsets.UTF_8));
        strings.write(0);
        return at;
    }

    byte[] bytes() {
        ByteBuffer bytes =
                ByteBuffer.allocate(24 + types.size() + strings.size()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(24);
        bytes.putInt(0).putInt(types.size()).putInt(types.size()).putInt(strings.size());
        return bytes.put(types.toByteArray()).put(strings.toByteArray()).array();
    }
}
