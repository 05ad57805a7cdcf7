package graft.syscalls.decode;

import graft.syscalls.Argument;
import graft.syscalls.ArgumentKind;
import graft.syscalls.ArgumentKind.Form;
import graft.syscalls.NamedConstants;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Calls as strace writes them: {@code openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3}. */
public final class CallText {
    private static final Set<String> TIMED = Set.of("poll", "ppoll", "select", "pselect6");
    private static final String UNKNOWN_ARGUMENTS = "<... resumed>";

    private final NamedConstants constants;
    private final ValueText values;
    private final StructText structs;
    private final MemoryText memory;
    private final SpecialCalls special;

    public CallText(NamedConstants constants, FilePaths paths) {
        this.constants = constants;
        this.values = new ValueText(constants, paths);
        this.structs = new StructText(StructTable.packaged(), values);
        this.memory = new MemoryText(structs, values);
        this.special = new SpecialCalls(values);
    }

    /** An argument by name. */
    public record Shown(String name, String value) {}

    /** The whole line. */
    public String line(Call call) {
        return head(call) + " = " + result(call);
    }

    /** The call with its arguments. */
    public String head(Call call) {
        if (!call.isWhole()) {
            return call.spec().name() + "(" + UNKNOWN_ARGUMENTS + ")";
        }
        List<String> words = new ArrayList<>();
        for (Shown argument : arguments(call)) {
            words.add(special.isNamed(call) ? argument.name() + "=" + argument.value() : argument.value());
        }
        return call.spec().name() + "(" + String.join(", ", words) + ")";
    }

    /** The arguments that the call takes with these values; none when its beginning was not seen. */
    public List<Shown> arguments(Call call) {
        List<Shown> shown = new ArrayList<>();
        if (!call.isWhole()) {
            return shown;
        }
        for (int index : special.order(call)) {
            Argument argument = call.spec().arguments().get(index);
            String text = special.text(call, index).orElseGet(() -> value(call, index, argument));
            shown.add(new Shown(special.name(call, index).orElse(argument.name()), text));
        }
        return shown;
    }

    private String value(Call call, int index, Argument argument) {
        long raw = call.argument(index);
        long value = isLong(argument.type()) ? raw : (int) raw;
        return switch (argument.kind()) {
            case ArgumentKind.Number(var form) -> values.number(form, word(form, raw, value), call.pid());
            case ArgumentKind.Named(var style, var set) ->
                values.named(style, set, isLong(argument.type()) ? raw : raw & 0xffffffffL);
            default -> memory.text(call, index, argument.kind());
        };
    }

    /** Unsigned numbers of 32 bits have no sign. */
    private static long word(Form form, long raw, long value) {
        boolean isSigned = form == Form.DEC || form == Form.PID || form == Form.FD || form == Form.DIRFD;
        return isSigned || value == raw ? value : raw & 0xffffffffL;
    }

    private static boolean isLong(String type) {
        return type.contains("long")
                || type.contains("*")
                || type.contains("64")
                || type.equals("size_t")
                || type.endsWith("off_t")
                || type.equals("aio_context_t");
    }

    /** The result: a value, {@code -1 ENOENT (No such file or directory)}, or {@code ?}. */
    public String result(Call call) {
        return switch (call.outcome()) {
            case Call.Outcome.Never _ -> "?";
            case Call.Outcome.Unfinished _ -> "? <unfinished ...>";
            case Call.Outcome.Returned(long result) ->
                call.error().map(this::error).orElseGet(() -> value(call, result));
        };
    }

    private String value(Call call, long result) {
        Form form = call.spec().result() instanceof ArgumentKind.Number(var known) ? known : Form.DEC;
        String name = call.spec().name();
        if (result == 0 && TIMED.contains(name)) {
            return "0 (Timeout)";
        }
        if (result > 0 && (name.equals("poll") || name.equals("ppoll"))) {
            return call.memory(0)
                    .map(found -> result + " (" + structs.found(found) + ")")
                    .orElse(Long.toString(result));
        }
        return special.result(call, result).orElseGet(() -> switch (form) {
            case HEX -> ValueText.pointer(result);
            default -> values.number(form, result, call.pid());
        });
    }

    private String error(int number) {
        return switch (number) {
            case 512 -> "? ERESTARTSYS (To be restarted if SA_RESTART is set)";
            case 513 -> "? ERESTARTNOINTR (To be restarted)";
            case 514 -> "? ERESTARTNOHAND (To be restarted if no handler)";
            case 516 -> "? ERESTART_RESTARTBLOCK (Interrupted by signal)";
            default ->
                constants
                        .set("errno")
                        .find(number)
                        .map(error -> "-1 " + error.name() + " (" + error.text() + ")")
                        .orElse("-1 (errno " + number + ")");
        };
    }

    /** The name of an error: {@code ENOENT}. */
    public String errorName(int number) {
        return constants
                .set("errno")
                .find(number)
                .map(NamedConstants.ConstantSet.Constant::name)
                .orElse(Integer.toString(number));
    }
}
