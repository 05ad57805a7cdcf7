package graft.tests.fuzz;

import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every fuzz target with its seeds, with mutations of them that are the same each time, and with what was once found. */
class HostileInputTest {
    private static final int MUTATIONS = 400;
    private static final int SEED = 20;
    private static final long SECONDS_EACH = 120;

    @TestFactory
    Stream<DynamicTest> whatWasFoundStaysFixed() {
        return Arrays.stream(FuzzTarget.values())
                .flatMap(target -> Seeds.findings(target).stream()
                        .map(file -> DynamicTest.dynamicTest(
                                target.label() + " " + file.getFileName(), () -> run(target, file))));
    }

    @TestFactory
    Stream<DynamicTest> seedsAndTheirMutationsGetAnAnswer() {
        return Arrays.stream(FuzzTarget.values())
                .map(target -> DynamicTest.dynamicTest(target.label(), () -> mutate(target)));
    }

    private static void run(FuzzTarget target, Path file) throws IOException {
        run(target, Files.readAllBytes(file));
    }

    private static void mutate(FuzzTarget target) {
        List<byte[]> seeds = Seeds.of(target);
        seeds.forEach(seed -> run(target, seed));
        Random random = new Random(SEED);
        for (int i = 0; i < MUTATIONS; i++) {
            run(target, mutated(seeds.get(random.nextInt(seeds.size())), random));
        }
    }

    private static byte[] mutated(byte[] seed, Random random) {
        int length = random.nextInt(4) == 0 ? random.nextInt(seed.length + 1) : seed.length;
        byte[] bytes = Arrays.copyOf(seed, length);
        for (int count = random.nextInt(6); count > 0 && length > 0; count--) {
            int at = random.nextInt(length);
            bytes[at] = random.nextBoolean() ? (byte) (bytes[at] ^ 1 << random.nextInt(8)) : (byte) random.nextInt();
        }
        return bytes;
    }

    private static void run(FuzzTarget target, byte[] input) {
        try {
            assertTimeoutPreemptively(ofSeconds(SECONDS_EACH), () -> target.run(input));
        } catch (RuntimeException | Error finding) {
            String shown = input.length > 4096
                    ? input.length + " bytes"
                    : Base64.getEncoder().encodeToString(input);
            throw new AssertionError(target.label() + " fails on " + shown, finding);
        }
    }
}
