package graft.cli.bench.vm;

import graft.cli.bench.BenchRow;
import graft.cli.bench.Samples;
import graft.cli.output.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** What the suite measured. */
public record VmResult(List<Row> rows, Preparation preparation) {
    /** One workload: nanoseconds of a run. */
    public record Row(String name, Workload.Proof proof, Samples gcc, Samples kernel, Samples graft) {
        /** Graft's time over that of native code. */
        public double toGcc() {
            return graft.median() / gcc.median();
        }

        /** Graft's time over the kernel's. */
        public double toKernel() {
            return graft.median() / kernel.median();
        }
    }

    /** The geometric mean over all workloads. */
    public double mean(ToDoubleFunction<Row> ratio) {
        return Math.exp(
                rows.stream().mapToDouble(ratio).map(Math::log).average().orElse(0));
    }

    /** The table for people. */
    public List<String> table() {
        TextTable table = TextTable.of(
                TextTable.words("program"),
                TextTable.numbers("gcc -O2"),
                TextTable.numbers("kernel"),
                TextTable.numbers("graft"),
                TextTable.numbers("graft/gcc"),
                TextTable.numbers("graft/kernel"));
        for (Row row : rows) {
            table.row(
                    row.name(),
                    nanoseconds(row.gcc()),
                    nanoseconds(row.kernel()),
                    nanoseconds(row.graft()),
                    ratio(row.toGcc()),
                    ratio(row.toKernel()));
        }
        table.row("geometric mean", "", "", "", ratio(mean(Row::toGcc)), ratio(mean(Row::toKernel)));
        List<String> lines = new ArrayList<>(table.lines());
        lines.add("nanoseconds of one run, median of %d interleaved batches"
                .formatted(rows.getFirst().graft().count()));
        rows.stream()
                .filter(row -> row.proof() == Workload.Proof.KERNEL)
                .map(row -> row.name() + ": accepted by the kernel's verifier only, compiled without facts")
                .forEach(lines::add);
        lines.add(String.format(
                Locale.ROOT,
                "compiling 500 instructions takes %.0f us; the verifier walks %.2f million instructions a second",
                preparation.compile().median(),
                preparation.verify().median() / 1e6));
        return lines;
    }

    /** The same as measured rows. */
    public List<BenchRow> benchRows() {
        List<BenchRow> all = new ArrayList<>();
        for (Row row : rows) {
            double baseline = row.gcc().median();
            all.add(row(row.name(), BenchRow.Who.NATIVE, row.gcc(), baseline));
            all.add(row(row.name(), BenchRow.Who.KERNEL, row.kernel(), baseline));
            all.add(row(row.name(), BenchRow.Who.GRAFT, row.graft(), baseline));
        }
        all.add(new BenchRow("vm", "compile-500", BenchRow.Who.GRAFT, "us", preparation.compile(), 0));
        all.add(new BenchRow("vm", "verify", BenchRow.Who.GRAFT, "insns/s", preparation.verify(), 0));
        return all;
    }

    private static BenchRow row(String name, BenchRow.Who who, Samples samples, double baseline) {
        return new BenchRow("vm", name, who, "ns", samples, samples.median() - baseline);
    }

    private static String nanoseconds(Samples samples) {
        return String.format(Locale.ROOT, samples.median() < 100 ? "%.1f" : "%.0f", samples.median());
    }

    private static String ratio(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
