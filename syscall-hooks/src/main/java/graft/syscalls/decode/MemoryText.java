package graft.syscalls.decode;

import graft.syscalls.ArgumentKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Arguments that lead to memory: what is there, or the address when that is not known. */
final class MemoryText {
    private static final int MOST_TEXTS = 24;

    private final StructText structs;
    private final ValueText values;

    MemoryText(StructText structs, ValueText values) {
        this.structs = structs;
        this.values = values;
    }

    String text(Call call, int index, ArgumentKind kind) {
        String address = ValueText.pointer(call.argument(index));
        return switch (kind) {
            case ArgumentKind.Text _ ->
                call.memory(index).map(QuotedText::terminated).orElse(address);
            case ArgumentKind.Texts(var detail) ->
                switch (detail) {
                    case SHOWN -> texts(call, index).orElse(address);
                    case COUNTED -> address + count(call, index);
                };
            case ArgumentKind.Bytes _ -> bytes(call, index).orElse(address);
            case ArgumentKind.Struct(var name, var _) ->
                call.memory(index)
                        .filter(_ -> !name.equals("wait_status") || call.result() > 0)
                        .map(memory -> structs.of(name, memory, call.pid()))
                        .orElse(address);
            case ArgumentKind.Array(var name, var _, var _) ->
                call.memory(index)
                        .map(memory -> structs.array(name, memory, call.pid()))
                        .orElse(address);
            case ArgumentKind.Pieces _ ->
                call.memory(index).map(list -> pieces(call, index, list)).orElse(address);
            case ArgumentKind.Message _ -> message(call, index).orElse(address);
            case ArgumentKind.SocketAddress _ ->
                call.memory(index)
                        .map(memory -> SocketAddressText.of(memory, values))
                        .orElse(address);
            case ArgumentKind.Number(var form) -> values.number(form, call.argument(index), call.pid());
            case ArgumentKind.Named(var style, var set) -> values.named(style, set, call.argument(index));
        };
    }

    /** Some calls say what their bytes are: numbers of processors, noise, a path; options of sockets are mostly numbers. */
    private static Optional<String> bytes(Call call, int index) {
        return call.memory(index).map(memory -> switch (call.spec().name()) {
            case "getcwd" -> QuotedText.terminated(memory);
            case "sched_getaffinity", "sched_setaffinity" -> StructText.numbers(memory);
            case "getrandom" -> QuotedText.hexadecimal(memory);
            case "getsockopt", "setsockopt" ->
                memory.size() == Integer.BYTES ? "[" + memory.number(0, Integer.BYTES) + "]" : QuotedText.of(memory);
            default -> QuotedText.of(memory);
        });
    }

    private static Optional<String> texts(Call call, int index) {
        List<String> texts = new ArrayList<>();
        for (int i = 1; i <= MOST_TEXTS + 1; i++) {
            Optional<Memory> text = call.memory(index, i);
            if (text.isEmpty()) {
                break;
            }
            texts.add(i > MOST_TEXTS ? "..." : QuotedText.terminated(text.get()));
        }
        return texts.isEmpty() ? Optional.empty() : Optional.of("[" + String.join(", ", texts) + "]");
    }

    private static String count(Call call, int index) {
        return call.memory(index, Memory.Place.COUNT)
                .map(count -> " /* %d var%s */".formatted(count.length(), count.length() == 1 ? "" : "s"))
                .orElse("");
    }

    private static String pieces(Call call, int index, Memory list) {
        List<String> pieces = new ArrayList<>();
        for (int at = 0; at + 16 <= list.size(); at += 16) {
            long address = list.number(at, 8);
            String base = call.memory(index, at / 16 + 1).map(QuotedText::of).orElse(ValueText.pointer(address));
            pieces.add("{iov_base=" + base + ", iov_len=" + Long.toUnsignedString(list.number(at + 8, 8)) + "}");
        }
        if (list.isCut()) {
            pieces.add("...");
        }
        return "[" + String.join(", ", pieces) + "]";
    }

    private Optional<String> message(Call call, int index) {
        return call.memory(index, Memory.Place.MESSAGE)
                .filter(memory -> memory.size() >= 56)
                .map(memory -> {
                    String name = call.memory(index, Memory.Place.NAME)
                            .map(address -> SocketAddressText.of(address, values))
                            .orElse(ValueText.pointer(memory.number(0, 8)));
                    String list = call.memory(index)
                            .map(found -> pieces(call, index, found))
                            .orElse(ValueText.pointer(memory.number(16, 8)));
                    long control = memory.number(40, 8);
                    return "{msg_name=%s, msg_namelen=%d, msg_iov=%s, msg_iovlen=%d, %smsg_controllen=%d, msg_flags=%s}"
                            .formatted(
                                    name,
                                    memory.number(8, 4),
                                    list,
                                    memory.number(24, 8),
                                    control == 0 ? "" : "msg_control=" + ValueText.pointer(memory.number(32, 8)) + ", ",
                                    control,
                                    values.named(ArgumentKind.Style.FLAGS, "msg", memory.number(48, 4)));
                });
    }
}
