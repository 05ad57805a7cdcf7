package graft.cli;

import graft.cli.bpf.PackagedProgram;
import graft.cli.option.TargetOptions;
import graft.cli.output.JsonWriter;
import graft.cli.output.Log2Histogram;
import graft.daemon.LinkRequest;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.uprobe.Probe;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft latency}: how long a function takes, as a histogram. */
@Command(
        name = "latency",
        addMethodSubcommands = false,
        description = "Measures how long the calls of a function take: a power-of-two histogram.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft latency nginx:ngx_http_process_request -p 4711",
            "  graft latency libssl.so.3:SSL_write -p 4711,4712 -d 10s",
            "  graft latency libc.so.6:malloc -p 4711 -d 5s -o json"
        })
final class LatencyCommand implements Runnable {
    @Parameters(paramLabel = "PROBE", description = "the function")
    private String probe;

    @Mixin
    private TargetOptions target;

    @Override
    public void run() {
        List<Integer> pids = target.requiredPids("latency");
        SessionRequest request = request(ProbeText.parse(probe), pids).with(target.children());
        try (LiveSession live = LiveSession.open(request)) {
            target.err().printf("measuring %s, Ctrl-C ends%n", probe);
            live.await(target.duration());
            ArrayMap histogram = MapReporter.array(live.session(), "histogram");
            live.detach();
            print(MapReporter.longs(histogram));
            new MapReporter(target, request.object()).footer(live);
        }
    }

    /** The packaged program at the entry and the return of a function. */
    static SessionRequest request(Probe function, List<Integer> pids) {
        Probe entry = new Probe(Probe.Kind.ENTRY, function.module(), function.symbol(), 0);
        Probe exit = new Probe(Probe.Kind.RETURN, function.module(), function.symbol(), 0);
        return new SessionRequest(
                PackagedProgram.LATENCY.spec(),
                List.of(new LinkRequest.Uprobe("enter", entry, 0), new LinkRequest.Uprobe("leave", exit, 0)),
                pids);
    }

    private void print(long[] slots) {
        PrintWriter out = target.out();
        Log2Histogram histogram =
                new Log2Histogram("ns", Arrays.stream(slots).boxed().toList());
        switch (target.format()) {
            case text -> histogram.lines().forEach(out::println);
            case json, jsonl -> {
                JsonWriter json = new JsonWriter();
                histogram.json(json);
                out.println(json);
            }
        }
    }
}
