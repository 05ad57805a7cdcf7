package graft.cli.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** How one engine ended one case. */
sealed interface Ending {
    /** With exit: the low half of r0, which is all that the kernel tells, the map's value, and the arena. */
    record Done(int r0, byte[] value) implements Ending {
        @Override
        public boolean equals(Object other) {
            return other instanceof Done done && r0 == done.r0 && Arrays.equals(value, done.value);
        }

        @Override
        public int hashCode() {
            return 31 * r0 + Arrays.hashCode(value);
        }
    }

    /** Otherwise. */
    record Failed(String why) implements Ending {}

    /** Where two endings differ, in words. */
    static String difference(Ending one, Ending other) {
        return switch (one) {
            case Done(int r0, byte[] value)
            when other instanceof Done(int otherR0, byte[] otherValue) ->
                r0 == otherR0
                        ? words(value, otherValue)
                        : "r0: %08x and %08x; ".formatted(r0, otherR0) + words(value, otherValue);
            case Done _, Failed _ -> one + " and " + other;
        };
    }

    private static String words(byte[] one, byte[] other) {
        ByteBuffer left = ByteBuffer.wrap(one).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer right = ByteBuffer.wrap(other).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < one.length; at += Long.BYTES) {
            if (left.getLong(at) != right.getLong(at)) {
                text.append("%s: %016x and %016x; ".formatted(place(at), left.getLong(at), right.getLong(at)));
            }
        }
        return text.toString();
    }

    private static String place(int at) {
        if (at >= ProgramGenerator.VALUE_BYTES) {
            return "arena+" + (at - ProgramGenerator.VALUE_BYTES);
        }
        int report = at - MemoryStatements.MAP_BYTES;
        return report < 0 ? "memory+" + at : report < 80 ? "r" + report / 8 : "stack" + (report - 144);
    }
}
