package graft.tests.verdict;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Objects in the user's cache, and the program that asks the kernel about them. */
record Corpus(Path folder) {
    /** Some of the corpus. */
    enum Part {
        /** The kernel's own tests of its verifier. */
        SELFTESTS("selftests"),
        /** The tools of libbpf-tools. */
        TOOLS("tools");

        private final String folder;

        Part(String folder) {
            this.folder = folder;
        }
    }

    /** What became of fetching. */
    sealed interface Fetch {
        /** It is there. */
        record Fetched(Corpus corpus) implements Fetch {}

        /** It cannot be had. */
        record Missing(String why) implements Fetch {}
    }

    static Fetch fetch(Path root) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("graft-corpus", ".log");
        Process process = new ProcessBuilder(
                        root.resolve("tests/src/test/corpus/fetch").toString())
                .redirectError(errors.toFile())
                .start();
        String folder = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        int status = process.waitFor();
        String why = Files.readString(errors);
        Files.delete(errors);
        return status == 0 ? new Fetch.Fetched(new Corpus(Path.of(folder))) : new Fetch.Missing(why);
    }

    List<Path> objects(Part part) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(part.folder))) {
            return files.filter(file -> file.toString().endsWith(".o")).sorted().toList();
        }
    }

    /** The kernel's verdict on every program of a part; asked once for a kernel and an oracle. */
    List<KernelVerdict> ask(Part part) throws IOException, InterruptedException {
        Path oracle = folder.resolve("oracle");
        String version = System.getProperty("os.version") + "-"
                + Files.getLastModifiedTime(oracle).toMillis();
        Path answers = folder.resolve("verdicts-" + part.folder + "-" + version + ".txt");
        if (!Files.exists(answers)) {
            List<String> command = new ArrayList<>(List.of(oracle.toString()));
            objects(part).forEach(object -> command.add(object.toString()));
            Path fresh = Files.createTempFile(folder, "verdicts", ".new");
            Process process = new ProcessBuilder(command)
                    .redirectError(new File("/dev/null"))
                    .redirectOutput(fresh.toFile())
                    .start();
            int status = process.waitFor();
            if (status != 0) {
                throw new IOException("the oracle ended with " + status);
            }
            Files.move(fresh, answers, StandardCopyOption.ATOMIC_MOVE);
        }
        return Files.readAllLines(answers, StandardCharsets.ISO_8859_1).stream()
                .map(KernelVerdict::parse)
                .toList();
    }
}
