package graft.tests.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A C program of a test. */
public final class CompiledProgram {
    private CompiledProgram() {}

    /** Compiles {@code text} to the file {@code name}. */
    public static Path of(Path folder, String name, String text, String... options)
            throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve(name + ".c"), text);
        Path program = folder.resolve(name);
        List<String> command = new ArrayList<>(List.of("gcc", "-w", "-o", program.toString(), source.toString()));
        command.addAll(List.of(options));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor())
                .as(String.join(" ", command))
                .isZero();
        return program;
    }
}
