package graft.syscalls.decode;

import graft.syscalls.ArgumentKind.Style;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** Addresses of sockets. */
final class SocketAddressText {
    private static final int UNIX = 1;
    private static final int INET = 2;
    private static final int INET6 = 10;
    private static final int NETLINK = 16;
    private static final int FAMILY_BYTES = 2;

    private SocketAddressText() {}

    static String of(Memory address, ValueText values) {
        if (address.size() < FAMILY_BYTES) {
            return QuotedText.of(address);
        }
        int family = (int) address.number(0, 2);
        String head = "{sa_family=" + values.named(Style.ENUM, "domain", family);
        if (family == UNIX) {
            return head + (address.size() > FAMILY_BYTES ? ", sun_path=" + path(address) : "") + "}";
        }
        if (family == INET && address.size() >= 8) {
            return head + ", sin_port=htons(" + port(address) + "), sin_addr=inet_addr(\"" + ip(address, 4, 4) + "\")}";
        }
        if (family == INET6 && address.size() >= 28) {
            return head
                    + ", sin6_port=htons(%d), sin6_flowinfo=htonl(%d), inet_pton(AF_INET6, \"%s\", &sin6_addr), sin6_scope_id=%d}"
                            .formatted(
                                    port(address),
                                    Integer.reverseBytes((int) address.number(4, 4)),
                                    ip(address, 8, 16),
                                    address.number(24, 4));
        }
        if (family == NETLINK && address.size() >= 12) {
            return head + ", nl_pid=%d, nl_groups=%08x}".formatted(address.number(4, 4), (int) address.number(8, 4));
        }
        Memory rest = address.part(FAMILY_BYTES, address.size() - FAMILY_BYTES);
        return head + ", sa_data=" + QuotedText.of(rest) + "}";
    }

    private static int port(Memory address) {
        return Short.toUnsignedInt(Short.reverseBytes((short) address.number(2, 2)));
    }

    private static String ip(Memory address, int offset, int size) {
        try {
            String text =
                    InetAddress.getByAddress(address.part(offset, size).array()).getHostAddress();
            return size == 4 ? text : text.replaceFirst("(^|:)0(:0)+(:|$)", "::");
        } catch (UnknownHostException e) {
            throw new AssertionError(size + " bytes are an address", e);
        }
    }

    private static String path(Memory address) {
        Memory path = address.part(FAMILY_BYTES, address.size() - FAMILY_BYTES);
        byte[] bytes = path.array();
        if (bytes[0] == 0) {
            return "@" + QuotedText.of(path.part(1, path.size() - 1));
        }
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return QuotedText.of(bytes, end);
    }
}
