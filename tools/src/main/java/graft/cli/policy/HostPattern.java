package graft.cli.policy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** Reads addresses of machines: {@code 127.0.0.1}, {@code 10.0.0.0/8}, {@code ::1}, {@code fe80::/10}. */
final class HostPattern {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;

    private HostPattern() {}

    /** What has to hold; empty when it is no address. */
    static Optional<List<Condition>> read(String text) {
        int slash = text.indexOf('/');
        String host = slash < 0 ? text : text.substring(0, slash);
        Optional<byte[]> bytes = host.indexOf(':') < 0 ? four(host) : sixteen(host);
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        int all = bytes.get().length * Byte.SIZE;
        int prefix = all;
        if (slash >= 0) {
            String digits = text.substring(slash + 1);
            if (!digits.matches("[0-9]{1,3}") || Integer.parseInt(digits) > all) {
                return Optional.empty();
            }
            prefix = Integer.parseInt(digits);
        }
        return Optional.of(conditions(bytes.get(), prefix));
    }

    private static List<Condition> conditions(byte[] bytes, int prefix) {
        List<Condition> conditions = new ArrayList<>();
        ByteBuffer value = ByteBuffer.wrap(bytes);
        if (bytes.length == Integer.BYTES) {
            conditions.add(Condition.bits(Condition.FAMILY, Condition.ALL, AF_INET));
            long mask = prefix == 0 ? 0 : -1L << Integer.SIZE - prefix & 0xffff_ffffL;
            add(conditions, Condition.HOST, mask, Integer.toUnsignedLong(value.getInt()));
        } else {
            conditions.add(Condition.bits(Condition.FAMILY, Condition.ALL, AF_INET6));
            add(conditions, Condition.HOST, upper(Math.min(prefix, Long.SIZE)), value.getLong());
            add(conditions, Condition.HOST_END, upper(Math.max(0, prefix - Long.SIZE)), value.getLong());
        }
        return conditions;
    }

    private static void add(List<Condition> conditions, int source, long mask, long value) {
        if (mask != 0) {
            conditions.add(Condition.bits(source, mask, value & mask));
        }
    }

    private static long upper(int bits) {
        return bits == 0 ? 0 : -1L << Long.SIZE - bits;
    }

    private static Optional<byte[]> four(String text) {
        String[] parts = text.split("\\.", -1);
        byte[] bytes = new byte[Integer.BYTES];
        if (parts.length != bytes.length) {
            return Optional.empty();
        }
        for (int i = 0; i < bytes.length; i++) {
            if (!parts[i].matches("[0-9]{1,3}") || Integer.parseInt(parts[i]) > 255) {
                return Optional.empty();
            }
            bytes[i] = (byte) Integer.parseInt(parts[i]);
        }
        return Optional.of(bytes);
    }

    /** Groups of 16 bits; two colons once for as many zeros as are missing. */
    private static Optional<byte[]> sixteen(String text) {
        int gap = text.indexOf("::");
        List<String> before = groups(gap < 0 ? text : text.substring(0, gap));
        List<String> after = gap < 0 ? List.of() : groups(text.substring(gap + 2));
        int given = before.size() + after.size();
        boolean fits = gap < 0 ? given == 8 : given < 8;
        List<String> all = new ArrayList<>(before);
        all.addAll(Collections.nCopies(Math.max(0, 8 - given), "0"));
        all.addAll(after);
        if (!fits || !all.stream().allMatch(group -> group.matches("[0-9a-fA-F]{1,4}"))) {
            return Optional.empty();
        }
        ByteBuffer bytes = ByteBuffer.allocate(16);
        all.forEach(group -> bytes.putShort((short) Integer.parseInt(group, 16)));
        return Optional.of(bytes.array());
    }

    private static List<String> groups(String text) {
        return text.isEmpty() ? List.of() : List.of(text.split(":", -1));
    }
}
