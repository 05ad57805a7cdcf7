package graft.cli;

import graft.cli.bpf.PackagedProgram;
import graft.cli.option.TargetOptions;
import graft.cli.output.WallClock;
import graft.cli.tls.TlsEvent;
import graft.cli.tls.TlsPrinter;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingBufferReader;
import graft.ebpf.object.CollectionSpec;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft tls}: the plaintext of TLS connections. */
@Command(
        name = "tls",
        addMethodSubcommands = false,
        description = "Shows what processes send and receive over OpenSSL, decrypted.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft tls -p 4711                 requests and responses as text",
            "  graft tls -p 4711,4712 --hex -d 5s",
            "  graft tls -p 4711 -o jsonl > traffic.jsonl"
        })
final class TlsCommand implements Runnable {
    private static final int BATCH = 256;
    private static final Duration PAUSE = Duration.ofMillis(100);

    @Mixin
    private TargetOptions target;

    @Option(names = "--hex", description = "show the data as a hex dump")
    private boolean hex;

    @Override
    public void run() {
        SessionRequest request = request(target.requiredPids("tls")).with(target.children());
        PrintWriter out = target.out();
        try (LiveSession live = LiveSession.open(request)) {
            target.err().println("attached; Ctrl-C ends");
            TlsPrinter printer = new TlsPrinter(style(), WallClock.ofThisMachine());
            RingBufferReader.Consumer show = record -> TlsEvent.decode(record)
                    .ifPresent(event -> printer.lines(event).forEach(out::println));
            RingBuffer events = events(live);
            long deadline = target.duration()
                    .map(time -> System.nanoTime() + time.toNanos())
                    .orElse(Long.MAX_VALUE);
            while (live.goesOn() && System.nanoTime() < deadline) {
                if (events.drain(show, BATCH) == 0) {
                    out.flush();
                    events.await(PAUSE);
                }
            }
            live.detach();
            while (events.drain(show, BATCH) > 0) {
                out.flush();
            }
            new MapReporter(target, request.object()).footer(live);
        }
    }

    private TlsPrinter.Style style() {
        return switch (target.format()) {
            case text -> hex ? TlsPrinter.Style.HEX : TlsPrinter.Style.TEXT;
            case json, jsonl -> TlsPrinter.Style.JSON;
        };
    }

    /** The packaged program on those of OpenSSL's functions that the object names. */
    static SessionRequest request(List<Integer> pids) {
        CollectionSpec object = PackagedProgram.TLS.spec();
        return new SessionRequest(object, SectionLinks.of(object).links(), pids);
    }

    /** The ring buffer of the packaged program. */
    static RingBuffer events(LiveSession live) {
        return live.session()
                .collection()
                .map("events")
                .filter(RingBuffer.class::isInstance)
                .map(RingBuffer.class::cast)
                .orElseThrow(() -> new AssertionError("the program has no ring buffer"));
    }
}
