package graft.cli;

import graft.cli.bpf.PackagedProgram;
import graft.cli.option.TargetOptions;
import graft.cli.output.JsonWriter;
import graft.daemon.LinkRequest;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.uprobe.AttachPoint;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModules;
import graft.uprobe.usdt.StaticProbe;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft count}: calls of functions, by name. */
@Command(
        name = "count",
        addMethodSubcommands = false,
        description = "Counts the calls of the functions that a probe or pattern names.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft count libssl.so.3:SSL_write -p 4711",
            "  graft count 'nginx:ngx_http_*' -p 4711 -d 10s",
            "  graft count ngx_http_request.c:2042 -p 4711",
            "  graft count 'usdt:libc.so.6:libc:*' -p 4711",
            "  graft count libc.so.6:malloc -p 4711,4712 -d 5s -o jsonl"
        })
final class CountCommand implements Runnable {
    @Parameters(
            paramLabel = "PROBE",
            description = "functions, source lines or static probes to count; * is a wildcard")
    private String pattern;

    @Mixin
    private TargetOptions target;

    private record Row(String function, long calls) {}

    @Override
    public void run() {
        List<Integer> pids = target.requiredPids("count");
        List<Probe> probes = functions(pids, ProbeText.parse(pattern));
        List<LinkRequest> links = new ArrayList<>();
        for (int cookie = 0; cookie < probes.size(); cookie++) {
            links.add(new LinkRequest.Uprobe("count", probes.get(cookie), cookie));
        }
        SessionRequest request = new SessionRequest(
                        PackagedProgram.COUNT.spec(),
                        links,
                        pids,
                        probes.size() == 1 ? SessionRequest.OnRefusal.FAIL : SessionRequest.OnRefusal.SKIP)
                .with(target.children());
        try (LiveSession live = LiveSession.open(request)) {
            target.err().printf("counting %d functions, Ctrl-C ends%n", probes.size());
            new MapReporter(target, request.object()).leftOut(live);
            live.await(target.duration());
            ArrayMap counts = MapReporter.array(live.session(), "counts");
            live.detach();
            print(rows(probes, counts));
            new MapReporter(target, request.object()).footer(live);
        }
    }

    /** Each function that the pattern names in any of the processes, once. */
    private static List<Probe> functions(List<Integer> pids, Probe pattern) {
        Set<Probe> found = new LinkedHashSet<>();
        for (int pid : pids) {
            try (TargetModules modules = VisibleModules.of(pid)) {
                switch (new SymbolResolver(modules).resolve(pattern)) {
                    case Resolution.Found(var points) -> points.forEach(point -> found.add(probe(pattern, point)));
                    case Resolution.NoSuchModule missing -> fail(pid, missing);
                    case Resolution.NoSuchSymbol missing -> fail(pid, missing);
                    case Resolution.NoSuchMarker missing -> fail(pid, missing);
                    case Resolution.NoLines missing -> fail(pid, missing);
                    case Resolution.NoCodeAtLine missing -> fail(pid, missing);
                    case Resolution.OutsideFunction outside -> fail(pid, outside);
                    case Resolution.NoCode nothing -> fail(pid, nothing);
                }
            }
        }
        return List.copyOf(found);
    }

    private static Probe probe(Probe pattern, AttachPoint point) {
        if (pattern.kind() == Probe.Kind.LINE) {
            return pattern;
        }
        String name = point.marker().map(StaticProbe::qualifiedName).orElse(point.function());
        return new Probe(pattern.kind(), pattern.module(), name, pattern.offset());
    }

    private static void fail(int pid, Resolution resolution) {
        throw SessionProblems.of(new SessionRefusal.ProbeNotFound(pid, resolution))
                .failure();
    }

    private static List<Row> rows(List<Probe> probes, ArrayMap counts) {
        List<Row> rows = new ArrayList<>();
        for (int cookie = 0; cookie < probes.size(); cookie++) {
            rows.add(new Row(probes.get(cookie).symbol(), MapReporter.longAt(counts, cookie)));
        }
        rows.sort(Comparator.comparingLong(Row::calls).reversed().thenComparing(Row::function));
        return rows;
    }

    private void print(List<Row> rows) {
        PrintWriter out = target.out();
        switch (target.format()) {
            case text -> {
                out.printf("%14s  %s%n", "CALLS", "FUNCTION");
                rows.stream()
                        .filter(row -> row.calls() > 0 || rows.size() == 1)
                        .forEach(row -> out.printf("%,14d  %s%n", row.calls(), row.function()));
            }
            case json, jsonl ->
                rows.forEach(row -> out.println(new JsonWriter()
                        .beginObject()
                        .member("type", "count")
                        .member("function", row.function())
                        .member("calls", row.calls())
                        .endObject()));
        }
    }
}
