package graft.syscalls;

import java.util.Locale;

/** What an argument or a result means: how it is shown, and which memory belongs to it. */
public sealed interface ArgumentKind {
    /** A value without memory. */
    record Number(Form form) implements ArgumentKind {}

    /** Bits with names, or one of several names. */
    record Named(Style style, String set) implements ArgumentKind {}

    /** A text that ends with a zero byte; a path when the call looks for a file by it. */
    record Text(Meaning meaning) implements ArgumentKind {}

    /** Texts that a list of pointers leads to. */
    record Texts(Detail detail) implements ArgumentKind {}

    /** Bytes without structure. */
    record Bytes(Edge edge, Length length) implements ArgumentKind {}

    /** One structure of this name. */
    record Struct(String name, Edge edge) implements ArgumentKind {}

    /** Structures in a row. */
    record Array(String name, Edge edge, Length count) implements ArgumentKind {}

    /** Pieces of memory in a row. */
    record Pieces(Edge edge, Length count) implements ArgumentKind {}

    /** A {@code struct msghdr}. */
    record Message(Edge edge) implements ArgumentKind {}

    /** A socket's address. */
    record SocketAddress(Edge edge, Length length) implements ArgumentKind {}

    /** How a number is written. */
    enum Form {
        DEC,
        UDEC,
        HEX,
        OCT,
        /** Permissions, with the kind of file in front when it is given. */
        MODE,
        FD,
        /** A folder's descriptor, or the working folder. */
        DIRFD,
        PTR,
        PID,
        UID,
        DEV,
        SIGNAL,
        CLOCK,
        /** There is none: the call does not return. */
        NONE
    }

    /** Whether several names can be given at once. */
    enum Style {
        FLAGS,
        ENUM
    }

    /** What a text is. */
    enum Meaning {
        PATH,
        STR
    }

    /** How much of many texts is shown. */
    enum Detail {
        SHOWN,
        COUNTED
    }

    /** Whether the call reads the memory, which is looked at before it, or writes it, which is looked at after it. */
    enum Edge {
        IN,
        OUT
    }

    /** How long memory is, in bytes or elements. */
    sealed interface Length {
        /** The value of an argument. */
        record Of(int argument) implements Length {}

        /** A 32-bit number that an argument points to. */
        record At(int argument) implements Length {}

        /** What the call returned. */
        record Result() implements Length {}

        /** Always the same. */
        record Constant(int value) implements Length {}

        /** Reads {@code 2}, {@code *2}, {@code ret} or {@code =2}. */
        static Length parse(String text) {
            return switch (text.charAt(0)) {
                case 'r' -> new Result();
                case '*' -> new At(Integer.parseInt(text.substring(1)));
                case '=' -> new Constant(Integer.parseInt(text.substring(1)));
                default -> new Of(Integer.parseInt(text));
            };
        }
    }

    /** Reads a kind as the table writes it: {@code buf:in:2}. */
    static ArgumentKind parse(String text) {
        String[] parts = text.split(":");
        return switch (parts[0]) {
            case "flags" -> new Named(Style.FLAGS, parts[1]);
            case "enum" -> new Named(Style.ENUM, parts[1]);
            case "path" -> new Text(Meaning.PATH);
            case "str" -> new Text(Meaning.STR);
            case "strings" -> new Texts(parts.length > 1 ? Detail.COUNTED : Detail.SHOWN);
            case "buf" -> new Bytes(edge(parts[1]), Length.parse(parts[2]));
            case "struct" -> new Struct(parts[1], edge(parts[2]));
            case "array" -> new Array(parts[1], edge(parts[2]), Length.parse(parts[3]));
            case "iovec" -> new Pieces(edge(parts[1]), Length.parse(parts[2]));
            case "msghdr" -> new Message(edge(parts[1]));
            case "sockaddr" -> new SocketAddress(edge(parts[1]), Length.parse(parts[2]));
            case "sigset" -> new Struct("sigset", edge(parts[1]));
            case "fdset" -> new Struct("fdset", Edge.IN);
            default -> new Number(Form.valueOf(parts[0].toUpperCase(Locale.ROOT)));
        };
    }

    private static Edge edge(String word) {
        return Edge.valueOf(word.toUpperCase(Locale.ROOT));
    }
}
