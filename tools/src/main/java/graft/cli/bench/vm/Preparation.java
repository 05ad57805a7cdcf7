package graft.cli.bench.vm;

import graft.cli.bench.Samples;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;

/**
 * What it costs to prepare programs, in a warm process, in processor time.
 *
 * @param compile microseconds for 500 instructions
 * @param verify instructions walked in a second
 */
public record Preparation(Samples compile, Samples verify) {
    /** Processor time: what others do on the machine is not part of the cost. */
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final int WARM_UP = 50;
    private static final double INSTRUCTIONS = 500;

    /** Verifying loops takes long, and one in so many rounds tells enough. */
    private static final int VERIFY_EVERY = 20;

    static Preparation measure(List<Workload> workloads, List<PlacedProgram> placed, int rounds) {
        double[] compile = new double[rounds];
        double[] verify = new double[(rounds + VERIFY_EVERY - 1) / VERIFY_EVERY];
        for (int i = 0; i < WARM_UP * rounds; i++) {
            compile(workloads, placed);
        }
        for (int i = 0; i < rounds; i++) {
            compile[i] = compile(workloads, placed);
        }
        verify(workloads);
        for (int i = 0; i < verify.length; i++) {
            verify[i] = verify(workloads);
        }
        return new Preparation(Samples.of(compile), Samples.of(verify));
    }

    private static double compile(List<Workload> workloads, List<PlacedProgram> placed) {
        long instructions = 0;
        long start = THREADS.getCurrentThreadCpuTime();
        for (int i = 0; i < workloads.size(); i++) {
            PlacedProgram program = placed.get(i);
            PlacedProgram.compile(
                    workloads.get(i), program.binding(), program.code().address());
            instructions += workloads.get(i).program().insns().insns().size();
        }
        return (THREADS.getCurrentThreadCpuTime() - start) / 1000.0 / instructions * INSTRUCTIONS;
    }

    private static double verify(List<Workload> workloads) {
        long walked = 0;
        long start = THREADS.getCurrentThreadCpuTime();
        for (Workload workload : workloads) {
            if (workload.proof() == Workload.Proof.OWN
                    && Verifier.of(workload.object().maps()).verify(workload.program())
                            instanceof Verdict.Accepted(var facts)) {
                walked += facts.walked();
            }
        }
        return walked / ((THREADS.getCurrentThreadCpuTime() - start) / 1e9);
    }
}
