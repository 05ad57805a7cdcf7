package graft.attach;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Measures how long a target is held, for docs/design/02. Arguments: threads, sleep of the main thread, rounds. */
final class StopTimes {
    private StopTimes() {}

    public static void main(String[] arguments) throws Exception {
        int rounds = Integer.parseInt(arguments[2]);
        Path journals = Files.createTempDirectory("graft-stop");
        Attacher attacher = new Attacher(journals, StepListener.NONE);
        long began = System.nanoTime();
        int warm = attacher.warmUp();
        System.out.printf("warm-up %d rounds in %d ms%n", warm, (System.nanoTime() - began) / 1_000_000);
        try (LiveTarget target = LiveTarget.start(Integer.parseInt(arguments[0]), arguments[1])) {
            long[][] held = new long[5][rounds];
            for (int round = 0; round < rounds; round++) {
                long start = System.nanoTime();
                AttachResult result = attacher.attach(target.injection());
                if (!(result instanceof AttachResult.Attached attached)) {
                    throw new AssertionError("round " + round + ": " + result);
                }
                held[4][round] = System.nanoTime() - start;
                DetachProof proof = attached.attachment().detach();
                if (!proof.clean()) {
                    throw new AssertionError("round " + round + ": " + proof);
                }
                held[0][round] = attached.timing().handoverNanos();
                held[1][round] = attached.timing().stopNanos();
                held[2][round] = proof.timing().handoverNanos();
                held[3][round] = proof.timing().stopNanos();
            }
            String[] names = {"attach handover", "attach stop", "detach handover", "detach stop", "attach call"};
            for (int i = 0; i < names.length; i++) {
                long first = held[i][0];
                Arrays.sort(held[i]);
                System.out.printf(
                        "%-16s first %6d  min %6d  p50 %6d  p90 %6d  p99 %6d  max %6d us%n",
                        names[i],
                        first / 1000,
                        held[i][0] / 1000,
                        held[i][rounds / 2] / 1000,
                        held[i][rounds * 9 / 10] / 1000,
                        held[i][rounds * 99 / 100] / 1000,
                        held[i][rounds - 1] / 1000);
            }
            System.out.println("alive " + target.alive() + " wrong " + target.wrong());
        }
        Files.delete(journals);
    }
}
