package graft.syscalls.decode;

import graft.syscalls.ArgumentKind.Form;
import graft.syscalls.ArgumentKind.Style;
import graft.syscalls.NamedConstants;
import graft.syscalls.NamedConstants.ConstantSet;
import java.util.ArrayList;
import java.util.List;

/** Numbers as text: by name, in the base that people expect, with the path of a descriptor. */
final class ValueText {
    private static final int WORKING_FOLDER = -100;
    private static final int FIRST_REALTIME = 32;
    private static final int SIGNALS = 64;
    private static final int FILE_TYPE = 0170000;
    private static final long UNIT = 1024;

    private final NamedConstants constants;
    private final FilePaths paths;

    ValueText(NamedConstants constants, FilePaths paths) {
        this.constants = constants;
        this.paths = paths;
    }

    /** @param pid whose descriptors they are */
    String number(Form form, long value, int pid) {
        return switch (form) {
            case DEC, PID -> Long.toString(value);
            case UDEC -> Long.toUnsignedString(value);
            case UID -> (int) value == -1 ? "-1" : Long.toString(value & 0xffffffffL);
            case HEX -> value == 0 ? "0" : "0x" + Long.toHexString(value);
            case PTR -> pointer(value);
            case OCT -> octal(value & 0xffff); // as many bits as the kernel's umode_t has
            case MODE -> mode((int) value);
            case FD -> descriptor((int) value, pid);
            case DIRFD -> (int) value == WORKING_FOLDER ? "AT_FDCWD" : descriptor((int) value, pid);
            case DEV -> "makedev(0x%x, 0x%x)".formatted(major(value), minor(value));
            case SIGNAL -> signal((int) value);
            case CLOCK -> named(Style.ENUM, "clock", (int) value);
            case NONE -> "?";
        };
    }

    static String pointer(long value) {
        return value == 0 ? "NULL" : "0x" + Long.toHexString(value);
    }

    static String octal(long value) {
        return "0%02o".formatted(value);
    }

    private String descriptor(int fd, int pid) {
        return fd < 0
                ? Integer.toString(fd)
                : fd + paths.path(pid, fd).map(path -> "<" + path + ">").orElse("");
    }

    static String mode(int mode) {
        String type = switch (mode & FILE_TYPE) {
            case 0140000 -> "S_IFSOCK|";
            case 0120000 -> "S_IFLNK|";
            case 0100000 -> "S_IFREG|";
            case 0060000 -> "S_IFBLK|";
            case 0040000 -> "S_IFDIR|";
            case 0020000 -> "S_IFCHR|";
            case 0010000 -> "S_IFIFO|";
            default -> "";
        };
        StringBuilder bits = new StringBuilder(type);
        bits.append((mode & 04000) != 0 ? "S_ISUID|" : "");
        bits.append((mode & 02000) != 0 ? "S_ISGID|" : "");
        bits.append((mode & 01000) != 0 ? "S_ISVTX|" : "");
        return bits.append(octal(mode & 0777)).toString();
    }

    static long major(long device) {
        return (device >> 8 & 0xfff) | (device >> 32 & 0xfffff000L);
    }

    static long minor(long device) {
        return (device & 0xff) | (device >> 12 & 0xffffff00L);
    }

    /** {@code SIGTERM}, {@code SIGRT_2}. */
    String signal(int signal) {
        if (signal >= FIRST_REALTIME && signal <= SIGNALS) {
            return signal == FIRST_REALTIME ? "SIGRTMIN" : "SIGRT_" + (signal - FIRST_REALTIME);
        }
        return constants
                .set("signal")
                .find(signal)
                .map(ConstantSet.Constant::name)
                .orElse(Integer.toString(signal));
    }

    String named(Style style, String set, long value) {
        return switch (style) {
            case FLAGS -> constants.set(set).flags(value);
            case ENUM ->
                constants
                        .set(set)
                        .find(value)
                        .map(ConstantSet.Constant::name)
                        .orElse(
                                value < 0 || value > 0xffffffffL
                                        ? Long.toString(value)
                                        : "0x" + Long.toHexString(value));
        };
    }

    /** {@code [INT CHLD]}; a mask of most signals as those that are missing: {@code ~[KILL]}. */
    String signals(long mask) {
        boolean inverted = Long.bitCount(mask) >= SIGNALS * 2 / 3;
        List<String> names = new ArrayList<>();
        for (int signal = 1; signal <= SIGNALS; signal++) {
            boolean set = (mask >>> signal - 1 & 1) != 0;
            if (set != inverted) {
                names.add(signal(signal).replaceFirst("^SIG", ""));
            }
        }
        return (inverted ? "~[" : "[") + String.join(" ", names) + "]";
    }

    /** A limit of a resource. */
    static String limit(long value) {
        if (value == -1) {
            return "RLIM64_INFINITY";
        }
        return value > UNIT && value % UNIT == 0
                ? Long.toUnsignedString(value / UNIT) + "*1024"
                : Long.toUnsignedString(value);
    }
}
