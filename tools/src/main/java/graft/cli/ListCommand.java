package graft.cli;

import graft.cli.option.TargetOptions;
import graft.cli.output.JsonWriter;
import graft.uprobe.AttachPoint;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModules;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft list}: what can be probed in a process. */
@Command(
        name = "list",
        description = "Lists the functions of a process that a probe or pattern names; without one, its files.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft list -p 4711                           the executable files it has mapped",
            "  graft list 'libssl.so.3:SSL_*' -p 4711       functions by pattern",
            "  graft list 'usdt:libc.so.6:*:*' -p 4711      static probes",
            "  graft list 'nginx:ngx_http_*' -p 4711 -o jsonl"
        })
final class ListCommand implements Runnable {
    @Parameters(arity = "0..1", paramLabel = "PROBE", description = "a probe; its function may hold *")
    private String probe;

    @Mixin
    private TargetOptions target;

    @Override
    public void run() {
        for (int pid : target.requiredPids("list")) {
            try (TargetModules modules = VisibleModules.of(pid)) {
                if (probe == null) {
                    modules.paths().forEach(path -> print(pid, path));
                } else {
                    list(modules, ProbeText.parse(probe));
                }
            }
        }
    }

    private void list(TargetModules modules, Probe wanted) {
        switch (new SymbolResolver(modules).resolve(wanted)) {
            case Resolution.Found(var points) -> points.forEach(point -> print(modules.pid(), point));
            case Resolution.NoSuchModule missing -> fail(modules.pid(), missing);
            case Resolution.NoSuchSymbol missing -> fail(modules.pid(), missing);
            case Resolution.NoSuchMarker missing -> fail(modules.pid(), missing);
            case Resolution.NoLines missing -> fail(modules.pid(), missing);
            case Resolution.NoCodeAtLine missing -> fail(modules.pid(), missing);
            case Resolution.OutsideFunction outside -> fail(modules.pid(), outside);
            case Resolution.NoCode nothing -> fail(modules.pid(), nothing);
        }
    }

    private static void fail(int pid, Resolution resolution) {
        throw SessionProblems.of(new graft.daemon.SessionRefusal.ProbeNotFound(pid, resolution))
                .failure();
    }

    private void print(int pid, String path) {
        PrintWriter out = target.out();
        switch (target.format()) {
            case text -> out.println(path);
            case json, jsonl ->
                out.println(new JsonWriter()
                        .beginObject()
                        .member("type", "module")
                        .member("pid", pid)
                        .member("path", path)
                        .endObject());
        }
    }

    private void print(int pid, AttachPoint point) {
        PrintWriter out = target.out();
        switch (target.format()) {
            case text -> out.printf("%-60s %s  %d bytes%n", point, point.address(), point.size());
            case json, jsonl ->
                out.println(new JsonWriter()
                        .beginObject()
                        .member("type", "probe")
                        .member("pid", pid)
                        .member("probe", point.toString())
                        .address("address", point.address().value())
                        .member("bytes", point.size())
                        .endObject());
        }
    }
}
