package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.Recovery;
import graft.attach.StepListener;
import graft.cli.Main;
import graft.daemon.CodePatch;
import graft.daemon.NativeFunction;
import graft.daemon.PatchRequest;
import graft.daemon.SessionRefusal;
import graft.platform.keystone.KeystoneEngine;
import graft.rewriter.Code;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Code of a running process is replaced by other code, and comes back. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PatchTest {
    private static final long TIMES = 1000;
    private static final long ALL = 4 * TIMES;

    /** Calls a function of the process and one of libc, which is far away; reads its variable and constants of its own. */
    private static final String REPLACEMENT = """
            #include <stdlib.h>
            extern long helper(long n);
            extern long factor;
            static const long more[2] = { 2000, 1000 };
            long instead(long n) { return -labs(-(helper(n) + factor + more[n & 1])); }
            """;

    @TempDir
    private Path folder;

    private Tracee tracee;

    @BeforeEach
    void start() {
        tracee = new Tracee(TraceeSource.named("patch").compile(folder));
    }

    @AfterEach
    void stop() {
        tracee.close();
    }

    private PatchRequest request(String place, String bytes, Optional<String> old) {
        return new PatchRequest(
                tracee.pid(),
                Probes.probe("uprobe:" + place),
                new PatchRequest.Change.Instructions(Code.ofHex(bytes)),
                old.map(Code::ofHex));
    }

    private CodePatch open(PatchRequest request) {
        return open(request, new Attacher());
    }

    private static CodePatch open(PatchRequest request, Attacher attacher) {
        CodePatch.Opening opening = CodePatch.open(request, AgentImage.load(), attacher);
        assertThat(opening).isInstanceOf(CodePatch.Opening.Opened.class);
        return ((CodePatch.Opening.Opened) opening).patch();
    }

    private static void assertUndone(CodePatch patch) {
        DetachProof proof = patch.detach();
        assertThat(proof.outcome()).as(proof.toString()).isEqualTo(DetachProof.Outcome.RESTORED);
        assertThat(proof.clean()).isTrue();
    }

    private void assertOld() {
        assertThat(tracee.run(10)).containsExactly(0L, 0L, 0L, 0L, 0L);
    }

    private String refused(PatchRequest request) {
        CodePatch.Opening opening = CodePatch.open(request, AgentImage.load(), new Attacher());
        assertThat(opening).isInstanceOf(CodePatch.Opening.Refused.class);
        assertOld();
        SessionRefusal refusal = ((CodePatch.Opening.Refused) opening).refusal();
        return refusal instanceof SessionRefusal.PatchRefused patch ? patch.why() : refusal.toString();
    }

    @Test
    void anInstructionIsReplacedByOneOfItsLength() {
        CodePatch patch = open(request("fixed", "b808000000", Optional.empty()));
        assertThat(tracee.run(TIMES)).containsExactly(ALL, 0L, 0L, 0L, 0L);
        assertUndone(patch);
        assertOld();
    }

    @Test
    void aBranchBecomesNothing() {
        CodePatch patch = open(request("branchy+3", "9090", Optional.of("7406")));
        assertThat(tracee.run(TIMES)).containsExactly(0L, ALL, 0L, 0L, 0L);
        assertUndone(patch);
        assertOld();
    }

    @Test
    void newCodeMayBeLongerThanTheOldAndBranch() {
        // mov $70, %eax; 1: inc %eax; cmp $77, %eax; jne 1b; ret, in place of xor %eax, %eax and what is behind it
        CodePatch patch = open(request("looping", "b846000000 ffc0 83f84d 75f9 c3", Optional.of("31c0")));
        assertThat(tracee.run(TIMES)).containsExactly(0L, 0L, 0L, ALL, 0L);
        assertUndone(patch);
        assertOld();
    }

    @Test
    void callsOfNewCodeReturnIntoIt() {
        // The same call, and behind it inc %eax.
        CodePatch patch = open(request(
                "calling", "4883ec08 e817000000 ffc0 4883c408 c3", Optional.of("4883ec08 e817000000 4883c408 c3")));
        assertThat(tracee.run(TIMES)).containsExactly(0L, 0L, 0L, 0L, ALL);
        assertUndone(patch);
        assertOld();
    }

    @Test
    void aFunctionIsReplacedByACompiledOne() throws IOException, InterruptedException {
        for (String model : List.of("-fPIC", "-fPIE")) {
            CodePatch patch = open(replacement("compiled", REPLACEMENT, model));
            assertThat(tracee.run(TIMES)).containsExactly(0L, 0L, ALL, 0L, 0L);
            assertUndone(patch);
            assertOld();
        }
    }

    private PatchRequest replacement(String place, String source, String model)
            throws IOException, InterruptedException {
        NativeFunction.Reading reading = NativeFunction.read(compiled(source, model), Optional.empty());
        assertThat(reading).isInstanceOf(NativeFunction.Reading.Read.class);
        return new PatchRequest(
                tracee.pid(),
                Probes.probe("uprobe:" + place),
                new PatchRequest.Change.Function(((NativeFunction.Reading.Read) reading).function()),
                Optional.empty());
    }

    private Path compiled(String source, String model) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("instead.c"), source);
        Path object = folder.resolve("instead.o");
        List<String> command =
                List.of("gcc", "-O2", model, "-mcmodel=small", "-c", file.toString(), "-o", object.toString());
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
        return object;
    }

    @Test
    void codeComesAndGoesWhileItRuns() throws IOException, InterruptedException {
        PatchRequest function = replacement("compiled", REPLACEMENT, "-fPIC");
        tracee.beginTurn(50);
        for (int round = 0; round < Integer.getInteger("graft.turns", 15); round++) {
            CodePatch bytes = open(request("fixed", "b808000000", Optional.empty()));
            CodePatch branch = open(request("branchy+3", "9090", Optional.of("7406")));
            CodePatch object = open(function);
            for (CodePatch patch : List.of(branch, object, bytes)) {
                DetachProof proof = patch.detach();
                assertThat(proof.outcome()).as(proof.toString()).isEqualTo(DetachProof.Outcome.RESTORED);
                assertThat(proof.quarantined()).isEmpty();
            }
        }
        tracee.endTurn();
        assertOld();
    }

    @Test
    void keptCodeOutlivesItsMakerAndIsTakenBackByItsJournal() {
        Path journals = folder.resolve("journals");
        Attacher attacher = new Attacher(journals, StepListener.NONE);
        open(request("fixed", "b808000000", Optional.empty()), attacher).keep();
        assertThat(Recovery.recover(journals)).isEmpty();
        assertThat(tracee.run(TIMES)).containsExactly(ALL, 0L, 0L, 0L, 0L);
        assertThat(Recovery.undoKept(journals, List.of(1))).isEmpty();
        assertThat(Recovery.undoKept(journals, List.of(tracee.pid())))
                .singleElement()
                .isInstanceOf(Recovery.Outcome.Restored.class);
        assertThat(journals).isEmptyDirectory();
        assertOld();
    }

    /** What a command prints, on both outputs. */
    private String graft(String... words) {
        StringWriter printed = new StringWriter();
        PrintWriter out = new PrintWriter(printed, true);
        List<String> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("-p", Integer.toString(tracee.pid())));
        assertThat(Main.run(out, out, all.toArray(String[]::new)))
                .as(printed.toString())
                .isZero();
        return printed.toString();
    }

    @Test
    void aDryRunShowsWhatWouldBeWrittenAndWritesNothing() {
        assertThat(graft("patch", "patch:branchy+3", "--bytes", "9090", "--dry-run"))
                .contains("branchy+3", " - 74 06 b8 01 00", "check: no jump lands inside");
        assertOld();
    }

    @Test
    void aCommandPatchesForAWhileAndProvesItsUndo() {
        assertThat(graft("patch", "patch:fixed", "--bytes", "b808000000", "-d", "100ms"))
                .contains("fixed+0: b8 07 00 00 00 -> e9 ")
                .contains("undone: 1/1 sites restored; text equals the files, nothing left behind");
        assertOld();
    }

    @Test
    void assemblerTextIsMadeForItsPlace() {
        switch (KeystoneEngine.open()) {
            case KeystoneEngine.Available(var engine) -> {
                engine.close();
                graft("patch", "patch:calling", "--asm", "mov eax, 21; ret", "--old", "4883ec08", "--keep");
                assertThat(tracee.run(TIMES)).containsExactly(0L, 0L, 0L, 0L, ALL);
                assertThat(Recovery.undoKept(List.of(tracee.pid()))).hasSize(1);
                assertOld();
            }
            case KeystoneEngine.Missing _ -> {
                PrintWriter none = new PrintWriter(new StringWriter());
                String pid = Integer.toString(tracee.pid());
                assertThat(Main.run(none, none, "patch", "patch:calling", "--asm", "ret", "-p", pid))
                        .isEqualTo(5);
            }
        }
    }

    @Test
    void aCommandLeavesAPatchAndAnotherOneTakesItBack() {
        assertThat(graft("patch", "patch:fixed", "--bytes", "b808000000", "--keep"))
                .contains("kept: graft undo " + tracee.pid());
        assertThat(tracee.run(TIMES)).containsExactly(ALL, 0L, 0L, 0L, 0L);
        StringWriter printed = new StringWriter();
        PrintWriter out = new PrintWriter(printed, true);
        assertThat(Main.run(out, out, "undo", Integer.toString(tracee.pid()))).isZero();
        assertThat(printed).hasToString("process " + tracee.pid() + " restored: 1 sites\n");
        assertOld();
    }

    @Test
    void whatMayBeInsideIsRefused() {
        assertThat(refused(request("looping", "b84d000000 c3", Optional.empty())))
                .startsWith("a branch may land at 0x");
        assertThat(refused(request("fixed+1", "9090", Optional.empty())))
                .endsWith(" is not the start of an instruction of fixed");
        assertThat(refused(request("branchy", "9090", Optional.of("4885"))))
                .startsWith("the old bytes end inside the instruction before ");
        assertThat(refused(request("fixed", "b8080000", Optional.empty()))).startsWith("the new code at byte 0");
    }

    @Test
    void otherBytesThanExpectedAreRefused() {
        assertThat(refused(request("fixed", "b808000000", Optional.of("b809000000"))))
                .isEqualTo("its bytes are b8 07 00 00 00 and not b8 09 00 00 00");
        CodePatch first = open(request("fixed", "b808000000", Optional.empty()));
        CodePatch.Opening second = CodePatch.open(
                request("fixed", "b809000000", Optional.of("b807000000")), AgentImage.load(), new Attacher());
        assertThat(second.toString()).contains("somebody has changed them already: e9 ");
        assertUndone(first);
        assertOld();
    }

    @Test
    void objectsWithVariablesAreRefused() throws IOException, InterruptedException {
        Path object = compiled("long seen; long instead(long n) { return seen += n; }", "-fPIC");
        assertThat(NativeFunction.read(object, Optional.empty()))
                .isInstanceOfSatisfying(
                        NativeFunction.Reading.Refused.class,
                        refused -> assertThat(refused.why()).isEqualTo("it has variables (.bss)"));
        assertThat(NativeFunction.read(object, Optional.of("other")))
                .isInstanceOfSatisfying(
                        NativeFunction.Reading.Refused.class,
                        refused -> assertThat(refused.why()).isEqualTo("it has no function other"));
        assertThat(refused(replacement(
                        "compiled", "long nowhere(long); long instead(long n) { return nowhere(n); }", "-fPIC")))
                .contains("the process has nothing called", "nowhere");
    }
}
