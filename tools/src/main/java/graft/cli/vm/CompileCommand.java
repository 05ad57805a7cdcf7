package graft.cli.vm;

import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import graft.platform.elf.RelocatableObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft vm compile}: programs as an object file for a linker. */
@Command(
        name = "compile",
        description = {
            "Verifies and compiles every program of an object into a relocatable object of this machine.",
            "A program is a function long NAME(void *context). The linker has to find graft_data_MAP (values of an array),"
                    + " graft_map_MAP and graft_helper_NAME for what the programs use."
        },
        footerHeading = "%nExamples:%n",
        footer = {"  graft vm compile tool.bpf.o -o tool.o    and then gcc main.c tool.o"})
final class CompileCommand implements Runnable {
    @Parameters(paramLabel = "FILE", description = "an object made for the bpf target")
    private Path file;

    @Option(names = "-o", required = true, paramLabel = "OUT", description = "the object to write")
    private Path out;

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        try {
            Files.write(out, object(load()));
        } catch (IOException e) {
            throw Problem.of("L001", "cannot write " + out)
                    .because(e.toString())
                    .failure();
        }
    }

    private CollectionSpec load() {
        try {
            return switch (ObjectLoader.load(file.toString(), Files.readAllBytes(file))) {
                case LoadResult.Loaded loaded -> loaded.spec();
                case LoadResult.Refused refused ->
                    throw Problem.of("L002", refused.where())
                            .because(refused.why())
                            .remedy(refused.suggestion())
                            .failure();
            };
        } catch (IOException e) {
            throw Problem.of("L001", "cannot read " + file)
                    .because(e.toString())
                    .failure();
        }
    }

    private byte[] object(CollectionSpec collection) {
        List<RelocatableObject.Function> functions = new ArrayList<>();
        for (ProgSpec program : collection.programs().values()) {
            functions.add(
                    switch (Verifier.of(collection.maps()).verify(program)) {
                        case Verdict.Rejected(var rejection) ->
                            throw Problem.of("V001", "program " + program.name())
                                    .because(rejection.toString())
                                    .failure();
                        case Verdict.Accepted(var facts) -> {
                            try {
                                yield AheadOfTime.function(program, facts, collection.maps());
                            } catch (AheadOfTime.RefusedException refused) {
                                throw Problem.of("L002", "program " + program.name())
                                        .because(refused.getMessage())
                                        .failure();
                            }
                        }
                    });
        }
        return RelocatableObject.of(functions);
    }
}
