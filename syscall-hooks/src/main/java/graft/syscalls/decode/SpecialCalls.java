package graft.syscalls.decode;

import graft.syscalls.ArgumentKind.Form;
import graft.syscalls.ArgumentKind.Style;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Calls whose arguments depend on each other: which of them count, and what they mean then. */
final class SpecialCalls {
    private static final long CREATES = 0100 | 020000000;
    private static final long MREMAP_FIXED = 2;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int SOL_SOCKET = 1;
    private static final int SOL_TCP = 6;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int FUTEX_COMMAND = 127;
    private static final int FUTEX_PRIVATE = 128;
    private static final List<String> CLONE_NAMES =
            List.of("flags", "child_stack", "parent_tid", "child_tidptr", "tls");
    private static final long CLONE_SETTLS = 0x00080000;
    private static final long CLONE_PARENT_SETTID = 0x00100000;
    private static final long CLONE_CHILD_TID = 0x01200000;

    private final ValueText values;

    SpecialCalls(ValueText values) {
        this.values = values;
    }

    /** The arguments that count, in the order in which they are shown. */
    List<Integer> order(Call call) {
        int all = call.spec().arguments().size();
        return switch (call.spec().name()) {
            case "open" -> first((call.argument(1) & CREATES) != 0 ? 3 : 2);
            case "openat" -> first((call.argument(2) & CREATES) != 0 ? 4 : 3);
            case "mremap" -> first((call.argument(3) & MREMAP_FIXED) != 0 ? 5 : 4);
            case "fcntl" -> first(fcntlTakesNothing((int) call.argument(1)) ? 2 : 3);
            case "futex" -> futex((int) call.argument(1) & FUTEX_COMMAND);
            case "clone" -> cloned(call.argument(0));
            default -> first(all);
        };
    }

    private static List<Integer> first(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    private static boolean fcntlTakesNothing(int command) {
        return switch (command) {
            case 1, 3, 9, 11, 1025, 1032, 1034 -> true;
            default -> false;
        };
    }

    private static List<Integer> futex(int command) {
        return switch (command) {
            case 1, 7, 8 -> first(command == 1 ? 3 : 2);
            case 0, 6, 13 -> command == 0 ? first(4) : List.of(0, 1, 3);
            case 9 -> List.of(0, 1, 2, 3, 5);
            case 10 -> List.of(0, 1, 2, 5);
            case 3 -> first(5);
            default -> first(6);
        };
    }

    private static List<Integer> cloned(long flags) {
        return IntStream.of(1, 0, 2, 4, 3)
                .filter(index -> switch (index) {
                    case 2 -> (flags & CLONE_PARENT_SETTID) != 0;
                    case 3 -> (flags & CLONE_CHILD_TID) != 0;
                    case 4 -> (flags & CLONE_SETTLS) != 0;
                    default -> true;
                })
                .boxed()
                .toList();
    }

    /** Whether the arguments are shown with their names. */
    boolean isNamed(Call call) {
        return call.spec().name().equals("clone");
    }

    /** The name of an argument when it is not that of the table. */
    Optional<String> name(Call call, int index) {
        return isNamed(call) ? Optional.of(CLONE_NAMES.get(index)) : Optional.empty();
    }

    /** An argument's text when it is not what its kind says. */
    Optional<String> text(Call call, int index) {
        long value = call.argument(index);
        return switch (call.spec().name()) {
            case "futex" -> futex(call, index, value);
            case "clone" -> clone(call, index);
            case "fcntl" -> index == 2 ? fcntl((int) call.argument(1), value, call.pid()) : Optional.empty();
            case "brk" -> Optional.of(ValueText.pointer(value));
            case "getsockopt", "setsockopt" -> index == 2 ? option((int) call.argument(1), value) : Optional.empty();
            case "socket" -> index == 2 ? protocol((int) call.argument(0), value) : Optional.empty();
            case "epoll_ctl" ->
                index == 3 && (int) call.argument(1) == EPOLL_CTL_DEL
                        ? Optional.of(ValueText.pointer(value))
                        : Optional.empty();
            default -> Optional.empty();
        };
    }

    private Optional<String> option(int level, long name) {
        return switch (level) {
            case SOL_SOCKET -> Optional.empty();
            case SOL_TCP -> Optional.of(values.named(Style.ENUM, "tcp", name));
            default -> Optional.of(Long.toString(name));
        };
    }

    private Optional<String> protocol(int family, long value) {
        return family == AF_INET || family == AF_INET6
                ? Optional.of(values.named(Style.ENUM, "ipproto", value))
                : Optional.empty();
    }

    private Optional<String> futex(Call call, int index, long value) {
        int command = (int) call.argument(1) & FUTEX_COMMAND;
        if (index == 1) {
            String name = values.named(Style.FLAGS, "futex", value & ~FUTEX_PRIVATE);
            int end = name.indexOf('|');
            String suffix = (value & FUTEX_PRIVATE) != 0 ? "_PRIVATE" : "";
            return Optional.of(end < 0 ? name + suffix : name.substring(0, end) + suffix + name.substring(end));
        }
        if (index == 3 && (command == 0 || command == 6 || command == 9 || command == 13)) {
            return value == 0
                    ? Optional.of("NULL")
                    : call.memory(3).map(this::timespec).or(() -> hex(value));
        }
        if (index == 5 && (command == 9 || command == 10)) {
            return (int) value == -1 ? Optional.of("FUTEX_BITSET_MATCH_ANY") : hex(value & 0xffffffffL);
        }
        return index == 3 ? Optional.of(Long.toString((int) value)) : Optional.empty();
    }

    private String timespec(Memory memory) {
        return memory.size() < 16
                ? QuotedText.of(memory)
                : "{tv_sec=%d, tv_nsec=%d}".formatted(memory.number(0, 8), memory.number(8, 8));
    }

    private static Optional<String> hex(long value) {
        return Optional.of("0x" + Long.toHexString(value));
    }

    /** At the parent's number the kernel has put what the call returns. */
    private Optional<String> clone(Call call, int index) {
        return switch (index) {
            case 0 -> Optional.of(cloneFlags(call.argument(0)));
            case 2 -> call.result() > 0 ? Optional.of("[" + call.result() + "]") : Optional.empty();
            default -> Optional.empty();
        };
    }

    private String cloneFlags(long flags) {
        String signal = (flags & 0xff) == 0 ? "" : values.signal((int) (flags & 0xff));
        String names = (flags & ~0xffL) == 0 ? "" : values.named(Style.FLAGS, "clone", flags & ~0xffL);
        if (signal.isEmpty() || names.isEmpty()) {
            return names.isEmpty() && signal.isEmpty() ? "0" : names + signal;
        }
        return names + "|" + signal;
    }

    private Optional<String> fcntl(int command, long value, int pid) {
        return switch (command) {
            case 0, 1030 -> Optional.of(Integer.toString((int) value));
            case 2 -> Optional.of(value == 1 ? "FD_CLOEXEC" : Long.toString(value));
            case 4 -> Optional.of(values.named(Style.FLAGS, "open", value & 0xffffffffL));
            case 1031 -> Optional.of(Long.toString(value));
            default -> Optional.empty();
        };
    }

    /** A result that says more than its number. */
    Optional<String> result(Call call, long result) {
        if (!call.spec().name().equals("fcntl") || !call.isWhole()) {
            return Optional.empty();
        }
        return switch ((int) call.argument(1)) {
            case 1 -> Optional.of(result == 1 ? "0x1 (flags FD_CLOEXEC)" : Long.toString(result));
            case 3 ->
                Optional.of(values.number(Form.HEX, result, call.pid()) + " (flags "
                        + values.named(Style.FLAGS, "open", result) + ")");
            default -> Optional.empty();
        };
    }
}
