package graft.cli;

import graft.cli.error.Problem;
import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.cli.policy.FilterInsn;
import graft.cli.policy.PolicyFile;
import graft.cli.policy.SeccompFilter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft policy export}: a policy in the form of something that is a boundary. */
@Command(
        name = "export",
        description = "Writes a policy as a seccomp filter, as far as a filter can say it, and what it cannot.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft policy export --seccomp web.yaml              to read",
            "  graft policy export --seccomp web.yaml -w web.bpf   struct sock_filter[], as bwrap --seccomp takes",
            "  graft policy export --seccomp web.yaml -o jsonl"
        })
final class PolicyExportCommand implements Runnable {
    @Option(names = "--seccomp", required = true, description = "as a seccomp filter for x86-64")
    private boolean seccomp;

    @Option(
            names = {"-w", "--write"},
            paramLabel = "FILE",
            description = "write the filter's bytes to a file instead of showing it")
    private Optional<Path> file = Optional.empty();

    @Parameters(paramLabel = "FILE", description = "a policy in YAML")
    private Path policy;

    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        SeccompFilter filter = SeccompFilter.of(PolicyFile.read(policy));
        filter.leftOut().forEach(what -> console.err().println("left out: " + what));
        if (filter.insns().size() > SeccompFilter.MOST_INSNS) {
            throw Problem.of("P004", "the filter has " + filter.insns().size() + " instructions")
                    .failure();
        }
        if (file.isPresent()) {
            write(filter.bytes());
        } else if (console.format() == OutputFormat.text) {
            filter.lines().forEach(console.out()::println);
        } else {
            json(filter.insns());
        }
    }

    private void write(byte[] bytes) {
        try {
            Files.write(file.orElseThrow(), bytes);
        } catch (IOException e) {
            throw Problem.of("U001", "graft policy export: cannot write " + file.orElseThrow())
                    .because(e.toString())
                    .failure();
        }
    }

    private void json(List<FilterInsn> insns) {
        for (int i = 0; i < insns.size(); i++) {
            FilterInsn insn = insns.get(i);
            JsonWriter json = new JsonWriter().beginObject().member("type", "filter_insn");
            json.member("code", insn.code()).member("jt", insn.ifTrue()).member("jf", insn.ifFalse());
            json.id("k", Integer.toUnsignedLong(insn.constant())).member("text", insn.text(i));
            console.out().println(json.endObject());
        }
    }
}
