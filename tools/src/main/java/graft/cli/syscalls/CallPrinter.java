package graft.cli.syscalls;

import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.WallClock;
import graft.syscalls.decode.Call;
import graft.syscalls.decode.CallText;

/** Calls as lines. */
public final class CallPrinter {
    private static final int CALL_COLUMN = 40;
    private static final int TID_COLUMN = 8;

    private final CallText text;
    private final WallClock clock;
    private final Style style;

    public CallPrinter(CallText text, WallClock clock, Style style) {
        this.text = text;
        this.clock = clock;
        this.style = style;
    }

    /** How lines look. */
    public enum Style {
        /** As strace writes them, with time and thread in front and the duration behind. */
        TEXT,
        /** The same with colours. */
        COLOURED,
        /** An object a line. */
        JSON
    }

    /** The line for a call. */
    public String line(Call call) {
        return switch (style) {
            case TEXT -> front(call) + padded(text.head(call)) + " = " + text.result(call) + duration(call);
            case COLOURED -> dim(front(call)) + head(call) + " = " + result(call) + dim(duration(call));
            case JSON -> json(call);
        };
    }

    private String front(Call call) {
        String tid = Integer.toString(call.tid());
        String blanks = " ".repeat(Math.max(1, TID_COLUMN - tid.length()));
        return clock.time(call.isWhole() ? call.enteredNs() : call.endedNs()) + blanks + tid + " ";
    }

    private static String padded(String head) {
        return head + " ".repeat(Math.max(0, CALL_COLUMN - head.length()));
    }

    private static String duration(Call call) {
        return call.isWhole() && call.outcome() instanceof Call.Outcome.Returned
                ? "  " + Quantity.nanoseconds(call.endedNs() - call.enteredNs())
                : "";
    }

    private String head(Call call) {
        String head = padded(text.head(call));
        int name = call.spec().name().length();
        return "\033[36m" + head.substring(0, name) + "\033[0m" + head.substring(name);
    }

    private String result(Call call) {
        String result = text.result(call);
        return call.error().isPresent() ? "\033[31m" + result + "\033[0m" : result;
    }

    private static String dim(String text) {
        return text.isEmpty() ? text : "\033[2m" + text + "\033[0m";
    }

    private String json(Call call) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "syscall");
        json.member("time", clock.timestamp(call.isWhole() ? call.enteredNs() : call.endedNs()));
        json.member("pid", call.pid()).member("tid", call.tid());
        json.member("name", call.spec().name()).member("number", call.spec().number());
        json.name("args").beginObject();
        text.arguments(call).forEach(argument -> json.member(argument.name(), argument.value()));
        json.endObject();
        if (call.outcome() instanceof Call.Outcome.Returned(long result)) {
            json.member("result", text.result(call));
            call.error()
                    .ifPresentOrElse(
                            error -> json.member("error", text.errorName(error)),
                            () -> json.member("value", Long.toString(result)));
            if (call.isWhole()) {
                json.id("duration_ns", call.endedNs() - call.enteredNs());
            }
        }
        return json.endObject().toString();
    }
}
