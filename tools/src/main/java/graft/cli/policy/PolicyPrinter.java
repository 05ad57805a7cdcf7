package graft.cli.policy;

import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import graft.cli.output.WallClock;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import graft.syscalls.decode.Call;
import graft.syscalls.decode.CallText;
import graft.syscalls.decode.FilePaths;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** What an applied policy tells: calls that were matched, and the counters. */
public final class PolicyPrinter {
    private final Policy policy;
    private final Style style;
    private final SyscallTable table = SyscallTable.x8664();
    private final CallText text = new CallText(NamedConstants.x8664(), FilePaths.UNKNOWN);
    private final WallClock clock = WallClock.ofThisMachine();

    public PolicyPrinter(Policy policy, Style style) {
        this.policy = policy;
        this.style = style;
    }

    /** How lines look. */
    public enum Style {
        TEXT,
        JSON
    }

    /** The process that is to end because of this call. */
    public OptionalInt killed(MemorySegment record) {
        MatchedCall matched = MatchedCall.of(record, table);
        boolean isKilled = matched.mode() == Mode.ENFORCE && action(matched) instanceof Action.Kill;
        return isKilled ? OptionalInt.of(matched.call().pid()) : OptionalInt.empty();
    }

    private Action action(MatchedCall matched) {
        return matched.rule() < policy.rules().size()
                ? policy.rules().get(matched.rule()).action()
                : policy.otherwise();
    }

    private String name(MatchedCall matched) {
        return matched.rule() < policy.rules().size()
                ? policy.rules().get(matched.rule()).name()
                : "default";
    }

    /** A record of the program as a line. */
    public String line(MemorySegment record) {
        MatchedCall matched = MatchedCall.of(record, table);
        return switch (style) {
            case TEXT -> {
                Call call = matched.call();
                yield "%s %d %d %s: %s"
                        .formatted(
                                clock.time(call.enteredNs()),
                                call.pid(),
                                call.tid(),
                                name(matched),
                                text.head(call) + "  " + verdict(matched));
            }
            case JSON -> json(matched);
        };
    }

    private String verdict(MatchedCall matched) {
        boolean interferes = matched.rule() < policy.rules().size()
                ? policy.rules().get(matched.rule()).interferes()
                : policy.otherwise().prevents();
        return (matched.mode() == Mode.MONITOR && interferes ? "would " : "") + effect(matched.rule());
    }

    private String effect(int rule) {
        return rule < policy.rules().size()
                ? policy.rules().get(rule).effect()
                : policy.otherwise().text();
    }

    private String json(MatchedCall matched) {
        Call call = matched.call();
        JsonWriter json = new JsonWriter().beginObject().member("type", "policy_call");
        json.member("time", clock.timestamp(call.enteredNs()));
        json.member("pid", call.pid()).member("tid", call.tid());
        json.member("policy", policy.name()).member("rule", name(matched));
        json.member("name", call.spec().name()).name("args").beginObject();
        text.arguments(call).forEach(argument -> json.member(argument.name(), argument.value()));
        json.endObject().member("action", effect(matched.rule()));
        return json.member("mode", matched.mode().text()).endObject().toString();
    }

    /** The counters, a line for each rule. */
    public List<String> counters(List<PolicyMaps.Counts> counts) {
        TextTable rows = TextTable.of(
                TextTable.words("RULE"),
                TextTable.words("ACTION"),
                TextTable.numbers("MATCHED"),
                TextTable.numbers("WOULD DENY"),
                TextTable.numbers("DENIED"));
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < counts.size(); i++) {
            boolean isDefault = i == policy.rules().size();
            if (isDefault && !policy.otherwise().prevents()) {
                continue; // nobody counts what nobody decides
            }
            String name = isDefault ? "default" : policy.rules().get(i).name();
            String effect = effect(i);
            PolicyMaps.Counts one = counts.get(i);
            rows.row(
                    name,
                    effect,
                    Quantity.count(one.matched()),
                    Quantity.count(one.wouldDeny()),
                    Quantity.count(one.denied()));
            lines.add(json(name, effect, one));
        }
        return style == Style.JSON ? lines : rows.lines();
    }

    private String json(String name, String effect, PolicyMaps.Counts counts) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "policy_counters");
        json.member("policy", policy.name()).member("rule", name).member("action", effect);
        json.id("matched", counts.matched()).id("would_deny", counts.wouldDeny());
        return json.id("denied", counts.denied()).endObject().toString();
    }
}
