package graft.cli.policy;

import graft.cli.error.Problem;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Policies that users name by their files. */
public final class PolicyFile {
    private PolicyFile() {}

    /** The policy, or a failure with the place of every mistake. */
    public static Policy read(Path file) {
        String document;
        try {
            document = Files.readString(file);
        } catch (MalformedInputException _) {
            throw Problem.of("P001", "policy " + file + " cannot be read")
                    .because("it is no text in UTF-8")
                    .failure();
        } catch (IOException e) {
            throw Problem.of("P001", "policy " + file + " cannot be read")
                    .because(e.toString())
                    .failure();
        }
        return switch (PolicyReader.read(document, nameOf(file))) {
            case PolicyReader.Reading.Read(var policy) -> policy;
            case PolicyReader.Reading.Wrong(var mistakes) -> {
                Problem problem = Problem.of("P001", "policy " + file + " is not understood");
                for (Mistake mistake : mistakes) {
                    problem = problem.because(
                            "%s:%d:%d: %s".formatted(file, mistake.line(), mistake.column(), mistake.what()));
                }
                throw problem.failure();
            }
        };
    }

    private static String nameOf(Path file) {
        String name = file.getFileName().toString();
        int dot = name.indexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }
}
