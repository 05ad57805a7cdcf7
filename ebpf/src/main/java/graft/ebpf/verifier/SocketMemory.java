package graft.ebpf.verifier;

/** Loads from sockets as programs see them: {@code struct bpf_sock}, {@code bpf_tcp_sock}, {@code bpf_xdp_sock}. */
final class SocketMemory {
    private static final int SOCK_BYTES = 80;
    private static final int TCP_SOCK_BYTES = 112;
    private static final int TCP_FIRST_WIDE = 80;
    private static final int TCP_AFTER_WIDE = 96;
    private static final int STATE = 72;
    private static final int DESTINATION_PORT = 48;

    private SocketMemory() {}

    static Value load(Step step, Memory.Place place, Value.Region.Socket socket, int bytes) {
        boolean constant = place.offset().isConstant() && place.offset().constant() >= 0;
        if (!constant || !readable(socket.kind(), place.offset().constant(), bytes)) {
            throw new Refused(Finding.of(
                    Cause.OUT_OF_BOUNDS,
                    place.base(),
                    "a socket has no such field of " + bytes + " bytes there",
                    "read whole fields at constant offsets"));
        }
        return Memory.unknown(bytes);
    }

    private static boolean readable(Value.Region.Socket.Kind kind, long offset, int bytes) {
        if (offset % bytes != 0) {
            return false;
        }
        return switch (kind) {
            case SOCKET -> sock(offset, bytes);
            case SOCK_COMMON -> (offset < 8 || offset >= 24) && sock(offset, bytes);
            case TCP_SOCK -> offset + bytes <= TCP_SOCK_BYTES && bytes == (isWideTcp(offset) ? 8 : 4);
            case XDP_SOCK -> offset == 0 && bytes == 4;
        };
    }

    private static boolean isWideTcp(long offset) {
        return offset >= TCP_FIRST_WIDE && offset < TCP_AFTER_WIDE;
    }

    private static boolean sock(long offset, int bytes) {
        if (offset + bytes > SOCK_BYTES) {
            return false;
        }
        if (offset >= DESTINATION_PORT && offset < DESTINATION_PORT + 4) {
            return offset == DESTINATION_PORT || bytes == 1 && offset == DESTINATION_PORT + 1;
        }
        boolean narrow = offset >= 4 && offset < 16 || offset >= 24 && offset <= STATE + 4;
        return bytes == 4 || narrow && bytes < 4;
    }
}
