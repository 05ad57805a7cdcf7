package graft.tests.verdict;

import graft.bridge.RunningKernel;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Two verdicts for each program of a corpus: the kernel's and graft's. */
final class Comparison {
    private final RunningKernel kernel = new RunningKernel();

    /** How the two differ. */
    enum Difference {
        /** They do not. */
        EQUAL,
        /** Accepted here, refused there. */
        UNSOUND,
        /** Refused here, accepted there. */
        STRICT,
        /** The kernel cannot judge. */
        UNKNOWN
    }

    /** One program. {@code ours} is empty when graft accepts it. */
    record Row(KernelVerdict kernel, Optional<String> ours, int walked) {
        Difference difference() {
            return switch (kernel.answer()) {
                case UNKNOWN -> Difference.UNKNOWN;
                case ACCEPT -> ours.isEmpty() ? Difference.EQUAL : Difference.STRICT;
                case REJECT -> ours.isEmpty() ? Difference.UNSOUND : Difference.EQUAL;
            };
        }

        String name() {
            return kernel.object().getFileName().toString().replace(".o", "") + ":" + kernel.program();
        }
    }

    private record Ours(Optional<String> refusal, int walked) {}

    List<Row> rows(List<KernelVerdict> verdicts) throws IOException {
        Map<Path, Map<String, Ours>> known = new HashMap<>();
        List<Row> rows = new ArrayList<>();
        for (KernelVerdict kernel : verdicts) {
            if (!known.containsKey(kernel.object())) {
                known.put(kernel.object(), ours(kernel.object()));
            }
            Ours ours = known.get(kernel.object())
                    .getOrDefault(kernel.program(), new Ours(Optional.of("LOADER no such program"), 0));
            rows.add(new Row(kernel, ours.refusal(), ours.walked()));
        }
        return rows;
    }

    private Map<String, Ours> ours(Path object) throws IOException {
        Map<String, Ours> found = new HashMap<>();
        switch (ObjectLoader.load(object.getFileName().toString(), Files.readAllBytes(object), kernel.facts())) {
            case LoadResult.Loaded(var spec, var _) ->
                spec.programs().values().forEach(program -> found.put(program.name(), verdict(spec, program)));
            case LoadResult.Refused refused -> {
                return new Refusing("LOADER " + refused.reason() + " " + refused.where() + ": " + refused.why());
            }
        }
        return found;
    }

    private Ours verdict(CollectionSpec spec, ProgSpec program) {
        return switch (Verifier.likeKernel(spec, kernel.types()).verify(program)) {
            case Verdict.Accepted(var facts) -> new Ours(Optional.empty(), facts.walked());
            case Verdict.Rejected(var rejection) ->
                new Ours(
                        Optional.of("%s %s (insn %d: %s)"
                                .formatted(rejection.cause(), rejection.why(), rejection.slot(), rejection.insn())),
                        0);
        };
    }

    /** One refusal for all programs of an object. */
    private static final class Refusing extends HashMap<String, Ours> {
        private static final long serialVersionUID = 1L;
        private final transient Ours all;

        Refusing(String why) {
            this.all = new Ours(Optional.of(why), 0);
        }

        @Override
        public Ours getOrDefault(Object key, Ours other) {
            return all;
        }
    }

    /** Prints the table for {@code selftests} or {@code tools}, {@code docs/verifier.md} for {@code markdown}, or the table for a file of the oracle's answers. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (Files.isRegularFile(Path.of(arguments[0]))) {
            List<KernelVerdict> answers =
                    Files.readAllLines(Path.of(arguments[0]), StandardCharsets.ISO_8859_1).stream()
                            .map(KernelVerdict::parse)
                            .toList();
            System.out.print(new Report(new Comparison().rows(answers)).text());
            return;
        }
        Path root = Path.of(System.getProperty("graft.root", "."));
        switch (Corpus.fetch(root)) {
            case Corpus.Fetch.Missing(var why) -> System.err.println(why);
            case Corpus.Fetch.Fetched(var corpus)
            when arguments[0].equals("markdown") -> System.out.print(Document.of(corpus));
            case Corpus.Fetch.Fetched(var corpus) -> {
                Corpus.Part part = Corpus.Part.valueOf(arguments[0].toUpperCase(java.util.Locale.ROOT));
                List<Row> rows = new Comparison().rows(corpus.ask(part));
                System.out.print(new Report(rows).text());
            }
        }
    }
}
