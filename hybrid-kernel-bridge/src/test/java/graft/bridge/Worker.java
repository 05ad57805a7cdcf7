package graft.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.FileOffset;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.linux.PerfEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A process that does what it is told, started by a shell. Closing ends it. */
final class Worker implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Path file;

    private Worker(Process process, Path file) {
        this.process = process;
        this.answers = process.inputReader();
        this.file = file;
    }

    /** Compiles the program; a probe is of a file, so all workers of a test run the same one. */
    static Path compile(Path folder) throws IOException {
        Path source = folder.resolve("worker.c");
        try (InputStream in = Worker.class.getResourceAsStream("worker.c")) {
            Files.write(source, in.readAllBytes());
        }
        Path file = folder.resolve("worker");
        Commands.run("gcc", "-O1", "-pthread", "-o", file.toString(), source.toString());
        return file;
    }

    static Worker start(Path file) throws IOException {
        Process process = new ProcessBuilder("sh", "-c", "exec \"$0\"", file.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Worker worker = new Worker(process, file);
        worker.does("ready 0");
        return worker;
    }

    /** Waits until it is done. */
    void does(String what) {
        try {
            process.outputWriter().write(what + "\n");
            process.outputWriter().flush();
            assertThat(answers.readLine()).isEqualTo("done");
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    int pid() {
        return (int) process.pid();
    }

    /** The function that "call" calls. */
    UprobePoint work(PerfEvent.Edge edge) {
        Path path = Path.of("/proc/" + pid() + "/root" + file);
        return new UprobePoint(edge, path, offset("work"), pid());
    }

    private FileOffset offset(String function) {
        try (ElfFile elf = ElfFile.open(file)) {
            ElfSymbol symbol = elf.symbols(SymbolTable.STATIC).stream()
                    .filter(each -> each.name().equals(function))
                    .findFirst()
                    .orElseThrow();
            return elf.fileOffset(symbol.value()).orElseThrow();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }
}
