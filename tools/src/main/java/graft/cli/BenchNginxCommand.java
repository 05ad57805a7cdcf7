package graft.cli;

import graft.cli.bench.NginxReport;
import graft.cli.bench.NginxRow;
import graft.cli.bench.NginxSuite;
import graft.cli.bench.NginxTool;
import graft.cli.error.ExitCode;
import graft.cli.load.Body;
import graft.cli.option.OutputOptions;
import graft.cli.tls.TlsTally;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench nginx}. */
@Command(
        name = "nginx",
        description =
                "Requests per second of nginx untraced, traced by the kernel and by graft: all traffic, or all system calls.")
final class BenchNginxCommand implements Callable<Integer> {
    @Mixin
    private OutputOptions output;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description =
                    "windows of the kernel, each with 24 of a fifth of its length of graft; default ${DEFAULT-VALUE}")
    private int rounds = 12;

    @Option(names = "--window", paramLabel = "MS", description = "its length; default ${DEFAULT-VALUE}")
    private int milliseconds = 500;

    @Option(
            names = "--body",
            paramLabel = "SIZE",
            split = ",",
            defaultValue = "1k,16k,100k",
            description = "what is asked for; default ${DEFAULT-VALUE}")
    private List<String> bodies;

    @Option(
            names = "--tool",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "tls,syscount,opensnoop",
            description = "what it is traced by; default ${DEFAULT-VALUE}")
    private List<String> tools;

    @Option(names = "--copy", description = "the reader copies all data, instead of looking at it in place")
    private boolean copy;

    /** A request that failed fails the command: tracing may cost throughput, never an answer. */
    @Override
    public Integer call() {
        NginxSuite.Effort effort = new NginxSuite.Effort(
                parsed(),
                parsedTools(),
                rounds,
                Duration.ofMillis(milliseconds),
                copy ? TlsTally.Depth.COPY : TlsTally.Depth.LOOK);
        List<NginxRow> rows = new NginxSuite(BenchCommand::during, effort).run();
        PrintWriter out = output.out();
        switch (output.format()) {
            case text -> NginxReport.table(rows).forEach(out::println);
            case json, jsonl -> rows.forEach(row -> out.println(NginxReport.json(row)));
        }
        boolean served = rows.stream().allMatch(row -> row.failed() == 0);
        return (served ? ExitCode.FINE : ExitCode.TARGET_SAID_SO).status();
    }

    private List<NginxTool> parsedTools() {
        return tools.stream()
                .map(name -> Stream.of(NginxTool.values())
                        .filter(tool -> tool.word().equals(name))
                        .findFirst()
                        .orElseThrow(() -> output.usageError("no tool " + name + " to measure under")))
                .toList();
    }

    private List<Body> parsed() {
        return bodies.stream()
                .map(size -> Stream.of(Body.values())
                        .filter(body -> body.file().equals(size))
                        .findFirst()
                        .orElseThrow(() -> output.usageError("no body of size " + size)))
                .toList();
    }
}
