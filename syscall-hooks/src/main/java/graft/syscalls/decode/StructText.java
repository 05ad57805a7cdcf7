package graft.syscalls.decode;

import graft.syscalls.ArgumentKind;
import graft.syscalls.ArgumentKind.Style;
import graft.syscalls.decode.StructTable.Layout;
import graft.syscalls.decode.StructTable.Member;
import graft.syscalls.decode.StructTable.MemberKind;
import java.util.ArrayList;
import java.util.List;

/** Structures as text: {@code {tv_sec=1, tv_nsec=0}}. */
final class StructText {
    private static final long SA_RESTORER = 0x04000000;

    private final StructTable table;
    private final ValueText values;

    StructText(StructTable table, ValueText values) {
        this.table = table;
        this.values = values;
    }

    /** A structure of the table. */
    String of(String name, Memory memory, int pid) {
        int size = table.layout(name).size();
        if (memory.size() < size && !name.equals("sigset") && !name.equals("fdset") && !name.equals("statx")) {
            return QuotedText.of(memory);
        }
        return switch (name) {
            case "stat" -> stat(memory);
            case "sigset" -> memory.size() < 8 ? QuotedText.of(memory) : values.signals(memory.number(0, 8));
            case "sigaction" -> sigaction(memory);
            case "wait_status" -> "[{" + waitStatus((int) memory.number(0, 4)) + "}]";
            case "fdset" -> numbers(memory);
            case "pollfd" -> pollfd(memory, "events", 4);
            case "int", "loff" -> "[" + members(table.layout(name), memory, pid) + "]";
            default -> braced(table.layout(name), memory, pid);
        };
    }

    private String braced(Layout layout, Memory memory, int pid) {
        boolean isPlain = layout.members().size() == 1
                && layout.members().getFirst().name().equals("-");
        String inside = members(layout, memory, pid);
        return isPlain ? inside : "{" + inside + "}";
    }

    private String members(Layout layout, Memory memory, int pid) {
        List<String> parts = new ArrayList<>();
        for (Member member : layout.members()) {
            String value = member(member, memory, pid);
            boolean hasNoName = member.name().equals("-") || member.kind() instanceof MemberKind.Rest;
            parts.add(hasNoName ? value : member.name() + "=" + value);
        }
        return String.join(", ", parts);
    }

    private String member(Member member, Memory memory, int pid) {
        return switch (member.kind()) {
            case MemberKind.Rest _ -> "...";
            case MemberKind.Limit _ -> ValueText.limit(memory.number(member.offset(), member.width()));
            case MemberKind.Unsigned32 _ -> Integer.toUnsignedString((int) memory.number(member.offset(), 4));
            case MemberKind.Characters _ -> {
                byte[] text =
                        memory.part(member.offset(), member.width()).text().getBytes();
                yield QuotedText.of(text, text.length);
            }
            case MemberKind.Plain(ArgumentKind.Number(var form)) -> {
                long value = memory.number(member.offset(), member.width());
                boolean isHex = form == ArgumentKind.Form.HEX || form == ArgumentKind.Form.PTR;
                yield values.number(form, isHex && member.width() == 4 ? value & 0xffffffffL : value, pid);
            }
            case MemberKind.Plain(ArgumentKind.Named(var style, var set)) -> {
                long value = memory.number(member.offset(), member.width());
                yield values.named(style, set, member.width() == 4 ? value & 0xffffffffL : value);
            }
            case MemberKind.Plain(ArgumentKind.Struct(var name, var _)) ->
                of(name, memory.part(member.offset(), member.width()), pid);
            case MemberKind.Plain(ArgumentKind.Array(var name, var _, var _)) ->
                array(name, memory.part(member.offset(), member.width()), pid);
            case MemberKind.Plain(var other) -> throw new AssertionError("a member of kind " + other);
        };
    }

    /** Structures in a row; three dots for what was cut. */
    String array(String name, Memory memory, int pid) {
        int size = table.layout(name).size();
        List<String> parts = new ArrayList<>();
        for (int at = 0; at + size <= memory.size(); at += size) {
            Memory element = memory.part(at, size);
            parts.add(
                    switch (name) {
                        case "fd", "int" -> members(table.layout(name), element, pid);
                        default -> of(name, element, pid);
                    });
        }
        if (memory.isCut()) {
            parts.add("...");
        }
        return "[" + String.join(", ", parts) + "]";
    }

    /** What a {@code poll} has found. */
    String found(Memory memory) {
        List<String> parts = new ArrayList<>();
        for (int at = 0; at + 8 <= memory.size(); at += 8) {
            if (memory.number(at + 6, 2) != 0) {
                parts.add(pollfd(memory.part(at, 8), "revents", 6));
            }
        }
        return "[" + String.join(", ", parts) + "]";
    }

    private String pollfd(Memory memory, String name, int offset) {
        return "{fd=%d, %s=%s}"
                .formatted(memory.number(0, 4), name, values.named(Style.FLAGS, "poll", memory.number(offset, 2)));
    }

    private static String stat(Memory memory) {
        int mode = (int) memory.number(24, 4);
        int type = mode & 0170000;
        boolean isDevice = type == 0020000 || type == 0060000;
        long device = memory.number(40, 8);
        String size = isDevice
                ? "st_rdev=makedev(0x%x, 0x%x)".formatted(ValueText.major(device), ValueText.minor(device))
                : "st_size=" + memory.number(48, 8);
        return "{st_mode=" + ValueText.mode(mode) + ", " + size + ", ...}";
    }

    private String sigaction(Memory memory) {
        long handler = memory.number(0, 8);
        long flags = memory.number(8, 8);
        String shown = handler == 0 ? "SIG_DFL" : handler == 1 ? "SIG_IGN" : ValueText.pointer(handler);
        String restorer = (flags & SA_RESTORER) != 0 ? ", sa_restorer=" + ValueText.pointer(memory.number(16, 8)) : "";
        return "{sa_handler=%s, sa_mask=%s, sa_flags=%s%s}"
                .formatted(
                        shown, values.signals(memory.number(24, 8)), values.named(Style.FLAGS, "sa", flags), restorer);
    }

    private String waitStatus(int status) {
        int signal = status & 0x7f;
        if (signal == 0) {
            return "WIFEXITED(s) && WEXITSTATUS(s) == " + (status >> 8 & 0xff);
        }
        if (status == 0xffff) {
            return "WIFCONTINUED(s)";
        }
        if ((status & 0xff) == 0x7f) {
            return "WIFSTOPPED(s) && WSTOPSIG(s) == " + values.signal(status >> 8 & 0xff);
        }
        String core = (status & 0x80) != 0 ? " && WCOREDUMP(s)" : "";
        return "WIFSIGNALED(s) && WTERMSIG(s) == " + values.signal(signal) + core;
    }

    /** The numbers of the bits that are set. */
    static String numbers(Memory memory) {
        List<String> set = new ArrayList<>();
        for (int fd = 0; fd < memory.size() * 8; fd++) {
            if ((memory.number(fd / 8, 1) >> fd % 8 & 1) != 0) {
                set.add(Integer.toString(fd));
            }
        }
        return "[" + String.join(" ", set) + "]";
    }
}
