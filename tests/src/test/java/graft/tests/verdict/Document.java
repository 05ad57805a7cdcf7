package graft.tests.verdict;

import graft.tests.verdict.Comparison.Difference;
import graft.tests.verdict.Comparison.Row;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** {@code docs/verifier.md}: what the comparison found, for people. */
final class Document {
    private static final String BEFORE = """
            # The verifier next to the kernel's

            Made by `graft.tests.verdict.Comparison markdown`; `ComparisonTest` fails when a number becomes worse.

            The verifier walks programs as Linux does and is compared with the running kernel, program by program, on objects
            that were not made for graft: the kernel's own tests of its verifier (`verifier_*.c` of Debian's package
            `linux-source-6.12`, compiled with clang 19) and the 52 tools of Debian's `libbpf-tools`. They are fetched at test
            time (`tests/src/test/corpus/fetch`). Verdicts are compared for a loader with all rights; programs that the kernel
            cannot judge, because what they attach to is not in it, are not counted.

            For programs in target processes the same walk is stricter: only the helpers that graft has, contexts that can only
            be read, no pointers in events, no comparison or arithmetic that makes numbers of pointers.

            """;

    private static final String AFTER = """

            ## Programs made for comparing

            `SafetyTest` makes programs as people write them, which are safe or not by a hair (masks, comparisons, null checks,
            copies, spills, records, loops, calls), and asks both; others decide late what was put into a slot or a register
            early, behind joins, in loops with two ways and in called functions. A verifier that forgets what is still to be
            read is found out: of twelve ways to break the marks, each is found in the first 1,000 programs. All that graft
            takes the kernel takes, but for a few of a thousand where the kernel knows bounds less well: those are run with
            many inputs, and nothing goes wrong.

            ## How far a walk goes

            States are kept, compared and dropped by the kernel's rules, numbers are compared where they matter, and the stack
            where it is read. So a walk is about as long as the kernel's: on its scale tests (`pyperf*`, `strobemeta*`,
            `test_xdp_noinline`, `test_cls_redirect`, `loop1`) mostly 0.9 to 1.4 times the instructions. Two of them pass the
            limit here and not there: `test_verif_scale1` and `test_verif_scale3` (550,000 and 840,000 instructions there).

            ## What is not there

            * Packet loads (`LD_ABS`, `LD_IND`): the decoder refuses them where they are reached. The kernel takes them in
              `socket` and `tc` programs, which graft does not run; in probes, tracepoints and all others it refuses them too.
            * An instruction that works on an arena on one path must do so on all. The kernel demands it of loads and stores;
              its 64-bit arithmetic is then cut to 32 bits on every path.
            * Contexts of `struct_ops` programs; kernel functions outside `kfuncs.table`; linked lists and trees of objects.
            * The kernel removes spills around calls that keep registers before it sums up stacks (`bpf_fastcall`); here they
              count.
            """;

    private Document() {}

    static String of(Corpus corpus) throws IOException, InterruptedException {
        StringBuilder text = new StringBuilder(BEFORE);
        text.append("| Linux %s | programs judged | accepted here, refused there | refused here, accepted there |\n"
                .formatted(System.getProperty("os.version").replaceAll("-.*", "")));
        text.append("|---|---|---|---|\n");
        List<Row> different = new ArrayList<>();
        for (Corpus.Part part : Corpus.Part.values()) {
            Report report = new Report(new Comparison().rows(corpus.ask(part)));
            text.append("| %s | %d | %d | %d (%.1f %% of the accepted) |\n"
                    .formatted(
                            part == Corpus.Part.SELFTESTS ? "kernel's tests" : "libbpf-tools",
                            report.judged(),
                            report.count(Difference.UNSOUND),
                            report.count(Difference.STRICT),
                            report.strictPercent()));
            different.addAll(report.only(Difference.UNSOUND));
            different.addAll(report.only(Difference.STRICT));
        }
        text.append("\n## Programs that differ\n\n| reason here | programs |\n|---|---|\n");
        Map<String, List<String>> byReason = new TreeMap<>();
        different.forEach(row ->
                byReason.computeIfAbsent(reason(row), _ -> new ArrayList<>()).add("`" + row.name() + "`"));
        byReason.forEach((reason, names) -> text.append("| %s | %s |\n".formatted(reason, String.join(", ", names))));
        return text.append(AFTER).toString();
    }

    private static String reason(Row row) {
        return row.ours()
                .map(why -> why.replaceAll(" \\(insn.*", "")
                        .replaceAll("^\\S+ ", "")
                        .replaceAll(".*: (packet loads.*)", "$1")
                        .replace("|", "\\|"))
                .orElse("accepted; the kernel: " + row.kernel().reason());
    }
}
