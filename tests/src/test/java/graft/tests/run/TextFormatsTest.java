package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.bridge.KernelCollection;
import graft.bridge.KernelLoad;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Helpers for texts take in a process what they take in the kernel, and make the same of it. Needs root. */
@Tag("slow")
class TextFormatsTest {
    private static final int CALLS = 250;

    @TempDir
    private Path folder;

    @Test
    void formatsAreTakenAndWrittenAsByTheKernel() throws IOException {
        TextFormats formats = new TextFormats(11);
        List<TextFormats.Call> calls =
                Stream.generate(formats::next).limit(CALLS).toList();
        List<TextFormats.Call> good = accepted(calls);
        assertThat(good).hasSizeBetween(CALLS / 2, CALLS * 9 / 10);

        Path file = AskedProgram.compile(folder, "texts");
        String object = AskedProgram.compiledObject(folder, "texts", TextFormats.program(good));
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> kernel = rows(program, object, "on_probed=uprobe::probed", "kernel");
            List<String> user = rows(program, object, "on_probed=uprobe::probed", "user");
            assertThat(kernel).hasSize(good.size());
            for (int i = 0; i < kernel.size(); i++) {
                assertThat(user.get(i)).as("%s", good.get(i)).isEqualTo(kernel.get(i));
            }
        }
    }

    @Test
    void numbersInTextsAreThoseOfTheKernel() throws IOException {
        Path file = AskedProgram.compile(folder, "texts");
        String object = AskedProgram.object(folder, "parsed");
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> kernel = rows(program, object, "on_parsed=uprobe::parsed", "kernel");
            assertThat(kernel).hasSize(1500).anyMatch(row -> row.contains("signed_result=-34 "));
            assertThat(rows(program, object, "on_parsed=uprobe::parsed", "user"))
                    .isEqualTo(kernel);
        }
    }

    /** Where the kernel takes its own memory, the process takes its own. */
    @Test
    void functionsForStringsSayWhatTheySayInTheKernel() throws IOException {
        Path file = AskedProgram.compile(folder, "stringed");
        String inKernel = AskedProgram.object(folder, "stringed", "-DNOWHERE=0xffffc00000000000");
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> kernel = rows(program, inKernel, "on_strings=uprobe::strings", "kernel");
            assertThat(kernel).hasSize(700);
            for (int error : new int[] {-2, -7, -14, -34}) {
                assertThat(kernel).anyMatch(row -> row.contains("=" + error + " "));
            }

            String inProcess = AskedProgram.object(folder, "stringed", "-DNOWHERE=0x600000000000");
            List<String> user = rows(program, inProcess, "on_strings=uprobe::strings", "user");
            for (int i = 0; i < kernel.size(); i++) {
                assertThat(user.get(i)).as("call %d", i).isEqualTo(kernel.get(i));
            }
        }
    }

    /** Those that both verifiers take; they agree about each. */
    private List<TextFormats.Call> accepted(List<TextFormats.Call> calls) throws IOException {
        String file = AskedProgram.compiledObject(folder, "verdicts", TextFormats.programs(calls));
        LoadResult result = ObjectLoader.load(file, Files.readAllBytes(Path.of(file)), Optional::empty);
        CollectionSpec object = ((LoadResult.Loaded) result).spec();
        List<TextFormats.Call> accepted = new ArrayList<>();
        for (int i = 0; i < calls.size(); i++) {
            ProgSpec program = object.programs().get("program_" + i);
            Verdict ours = Verifier.of(object).verify(program);
            KernelLoad kernel =
                    KernelCollection.load(object.with(Map.of(program.name(), program)), Map.of(), Set.of(1));
            if (kernel instanceof KernelLoad.Loaded(var loaded)) {
                loaded.close();
                accepted.add(calls.get(i));
            }
            assertThat(ours instanceof Verdict.Accepted)
                    .as("%s: %s, %s", calls.get(i), ours, kernel)
                    .isEqualTo(kernel instanceof KernelLoad.Loaded);
        }
        return accepted;
    }

    private static List<String> rows(AskedProgram program, String object, String attach, String place)
            throws IOException {
        try (GraftProcess graft =
                GraftProcess.start("run", object, "-p", program.pid(), "--where", place, "--attach", attach)) {
            graft.awaitLine("attached");
            assertThat(program.answer("call")).isEqualTo(program.pid());
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run.output().lines().filter(line -> line.startsWith("ROW[")).toList();
        }
    }
}
