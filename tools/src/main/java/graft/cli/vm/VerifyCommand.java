package graft.cli.vm;

import graft.bridge.RunningKernel;
import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.cli.output.TextTable;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.ContextLayout;
import graft.ebpf.verifier.Rejection;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft vm verify}: what the verifier says about the programs of objects. */
@Command(
        name = "verify",
        description = "Verifies every program of the objects: accepted or why not, and what it cost.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft vm verify tool.bpf.o",
            "  ls *.o | graft vm verify --batch         PATH accept, or PATH reject WHY"
        })
final class VerifyCommand implements Callable<Integer> {
    private static final int REFUSED = 4;

    @Parameters(arity = "0..*", paramLabel = "FILE", description = "objects made for the bpf target")
    private List<Path> files = List.of();

    @Option(names = "--batch", description = "one path a line on standard input, one verdict a line on standard output")
    private boolean batch;

    @Mixin
    private HelpOptions console;

    private final RunningKernel kernel = new RunningKernel();

    @Override
    public Integer call() {
        if (batch) {
            verifyLines();
            return 0;
        }
        if (files.isEmpty()) {
            throw console.usageError("no FILE, and no --batch");
        }
        boolean refused = false;
        for (Path file : files) {
            refused |= report(file);
        }
        return refused ? REFUSED : 0;
    }

    private void verifyLines() {
        PrintWriter out = console.out();
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (!line.isBlank()) {
                    out.println(line + " " + verdict(Path.of(line)));
                    out.flush();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading paths", e);
        }
    }

    private String verdict(Path file) {
        return switch (load(file)) {
            case LoadResult.Refused refused -> "reject " + refused.where() + ": " + refused.why();
            case LoadResult.Loaded(CollectionSpec collection, var _) ->
                collection.programs().values().stream()
                        .map(program -> verify(collection, program))
                        .filter(Verdict.Rejected.class::isInstance)
                        .findFirst()
                        .map(verdict -> "reject " + line(((Verdict.Rejected) verdict).rejection()))
                        .orElse("accept");
        };
    }

    /** Whether something was refused. */
    private boolean report(Path file) {
        PrintWriter out = console.out();
        CollectionSpec collection = switch (load(file)) {
            case LoadResult.Loaded(CollectionSpec spec, var _) -> spec;
            case LoadResult.Refused refused ->
                throw Problem.of("L002", refused.where())
                        .because(refused.why())
                        .remedy(refused.suggestion())
                        .failure();
        };
        out.println(file);
        TextTable table = TextTable.of(
                TextTable.words("PROGRAM"),
                TextTable.words("VERDICT"),
                TextTable.numbers("INSNS"),
                TextTable.numbers("WALKED"),
                TextTable.numbers("STACK"),
                TextTable.numbers("MS"));
        StringBuilder reasons = new StringBuilder();
        for (ProgSpec program : collection.programs().values()) {
            long began = System.nanoTime();
            Verdict verdict = verify(collection, program);
            String millis = "%.1f".formatted((System.nanoTime() - began) / 1e6);
            String insns = Integer.toString(program.insns().slots());
            switch (verdict) {
                case Verdict.Accepted(var facts) ->
                    table.row(program.name(), "accepted", insns, "" + facts.walked(), "" + facts.stackBytes(), millis);
                case Verdict.Rejected(Rejection rejection) -> {
                    table.row(program.name(), "refused", insns, "", "", millis);
                    reasons.append('\n').append(rejection.render());
                }
            }
        }
        table.lines().forEach(line -> out.println("  " + line));
        out.print(reasons);
        return !reasons.isEmpty();
    }

    private static String line(Rejection rejection) {
        return "%s: insn %d: %s".formatted(rejection.program(), rejection.slot(), rejection.why());
    }

    /** Programs that only the kernel can run are judged as it would judge them. */
    private Verdict verify(CollectionSpec collection, ProgSpec program) {
        boolean inTarget = ContextLayout.of(program.type()).isPresent();
        Verifier verifier = inTarget ? Verifier.of(collection) : Verifier.likeKernel(collection, kernel.types());
        return verifier.verify(program);
    }

    private LoadResult load(Path file) {
        try {
            return ObjectLoader.load(file.toString(), Files.readAllBytes(file), kernel.facts());
        } catch (IOException e) {
            return new LoadResult.Refused(
                    LoadResult.Reason.NOT_AN_OBJECT, file.toString(), "cannot be read", "check the path");
        }
    }
}
