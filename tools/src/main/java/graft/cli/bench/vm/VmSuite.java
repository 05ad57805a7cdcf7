package graft.cli.bench.vm;

import graft.bridge.KernelMap;
import graft.bridge.KernelTestProgram;
import graft.cli.bench.BenchTargetFile;
import graft.cli.bench.Samples;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs every workload as gcc -O2 compiles it, in the kernel and compiled by graft, in one interleaved run, after checking
 * that all three leave the same memory.
 */
public final class VmSuite {
    private static final byte[] FIRST = new byte[Integer.BYTES];

    private final Effort effort;

    /**
     * How much to measure.
     *
     * @param rounds batches of each cell
     * @param nanoseconds about how long a batch takes
     * @param compilations how often everything is compiled and verified to see the cost of that
     */
    public record Effort(int rounds, long nanoseconds, int compilations) {}

    public VmSuite(Effort effort) {
        this.effort = effort;
    }

    /** Measures {@code names}, which are from {@link Workload#NAMES}. */
    public VmResult run(List<String> names) {
        List<Workload> workloads = names.stream().map(Workload::load).toList();
        List<Cell> cells = new ArrayList<>();
        try (BenchTargetFile file = BenchTargetFile.extract("vm/vm-target");
                VmTarget target = VmTarget.start(file.path())) {
            place(workloads, target, cells);
            cells.forEach(cell -> cell.requireSameMemory(target));
            for (int round = 0; round < effort.rounds(); round++) {
                cells.forEach(cell -> cell.measure(target, effort.nanoseconds()));
            }
            Preparation preparation = Preparation.measure(
                    workloads, cells.stream().map(Cell::placed).toList(), effort.compilations());
            return new VmResult(cells.stream().map(Cell::row).toList(), preparation);
        } finally {
            cells.forEach(cell -> cell.kernel.close());
        }
    }

    private static void place(List<Workload> workloads, VmTarget target, List<Cell> cells) {
        long code = target.code();
        long data = target.data();
        for (Workload workload : workloads) {
            PlacedProgram placed = PlacedProgram.place(workload, target, code, data);
            code += (placed.code().code().length + 63) & -64;
            data += PlacedProgram.dataBytes(List.copyOf(workload.object().maps().values()));
            KernelTestProgram kernel = KernelTestProgram.load(workload.object(), workload.program());
            cells.add(new Cell(workload, placed, kernel, target.nativeOf(workload.name())));
        }
    }

    /** One workload three times. */
    private static final class Cell {
        final Workload workload;
        final PlacedProgram placed;
        final KernelTestProgram kernel;
        final VmTarget.Native gcc;
        final List<Double> gccTimes = new ArrayList<>();
        final List<Double> kernelTimes = new ArrayList<>();
        final List<Double> graftTimes = new ArrayList<>();

        Cell(Workload workload, PlacedProgram placed, KernelTestProgram kernel, VmTarget.Native gcc) {
            this.workload = workload;
            this.placed = placed;
            this.kernel = kernel;
            this.gcc = gcc;
        }

        PlacedProgram placed() {
            return placed;
        }

        void requireSameMemory(VmTarget target) {
            target.write(gcc.state(), VmMemory.fresh());
            target.run(gcc.function());
            int expected = VmMemory.digest(target.read(gcc.state(), VmMemory.BYTES));
            target.write(placed.state(), VmMemory.fresh());
            target.run(placed.code().address());
            require("graft", expected, target.read(placed.state(), VmMemory.BYTES));
            KernelMap state = kernel.maps().get(Workload.STATE);
            state.update(FIRST, VmMemory.fresh(), 0);
            kernel.run(1);
            require("the kernel", expected, state.lookup(FIRST).orElseThrow());
        }

        private void require(String who, int expected, byte[] state) {
            if (VmMemory.digest(state) != expected) {
                throw new IllegalStateException("%s differs from native code after %s".formatted(who, workload.name()));
            }
        }

        void measure(VmTarget target, long nanoseconds) {
            List<Double> times = target.batch(
                    nanoseconds, List.of(gcc.function(), placed.code().address()));
            gccTimes.add(times.getFirst());
            graftTimes.add(times.getLast());
            int runs = (int) Math.max(1, nanoseconds / Math.max(1, (long) (double) times.getLast()));
            kernelTimes.add((double) kernel.run(runs));
        }

        VmResult.Row row() {
            return new VmResult.Row(
                    workload.name(), workload.proof(), samples(gccTimes), samples(kernelTimes), samples(graftTimes));
        }

        private static Samples samples(List<Double> times) {
            return Samples.of(times.stream().mapToDouble(Double::doubleValue).toArray());
        }
    }
}
