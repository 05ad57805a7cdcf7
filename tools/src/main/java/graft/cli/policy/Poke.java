package graft.cli.policy;

import graft.daemon.LinkRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Bytes that are written to the memory that an argument of a call points to.
 *
 * @param argument from 0 on
 * @param edge before or behind the call
 * @param hex the bytes, two digits each
 */
public record Poke(int argument, LinkRequest.Edge edge, String hex) {
    /** How many a rule may have. */
    static final int MOST = 4;

    private static final int MOST_BYTES = 256;
    private static final int DATA_AT = 16;
    private static final Pattern TEXT = Pattern.compile("@arg([1-6])=((?:[0-9a-fA-F]{2}){1," + MOST_BYTES + "})");

    /** What strace takes: {@code @arg2=6162,@arg3=00}; nothing when it is something else. */
    static Optional<List<Poke>> read(String text, LinkRequest.Edge edge) {
        List<Poke> pokes = new ArrayList<>();
        Set<Integer> arguments = new HashSet<>();
        for (String part : text.split(",", -1)) {
            Matcher words = TEXT.matcher(part);
            if (!words.matches() || !arguments.add(Integer.parseInt(words.group(1)) - 1)) {
                return Optional.empty();
            }
            pokes.add(new Poke(Integer.parseInt(words.group(1)) - 1, edge, words.group(2)));
        }
        return Optional.of(pokes);
    }

    /** {@code struct poke} of {@code rules.h}. */
    byte[] bytes() {
        byte[] data = HexFormat.of().parseHex(hex);
        return ByteBuffer.allocate(DATA_AT + MOST_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(argument)
                .putInt(edge.ordinal())
                .putInt(data.length - 1)
                .putInt(0)
                .put(data)
                .array();
    }
}
