package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.LinkRequest;
import graft.daemon.Prints;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What programs print arrives, as the kernel has it in its trace buffer. Needs root. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PrintsTest {
    /** The kernel's print_trace_fmt; thread name and number stay. */
    private static final Pattern HEAD =
            Pattern.compile("(?m)^ *(\\S.{0,15})-(\\d+) +\\[\\d{3}\\] .{5} +\\d+\\.\\d{6}: bpf_trace_printk: ");

    private static final int CALLS = 1500;

    @TempDir
    private Path folder;

    @Test
    void linesAreThoseOfTheKernel() throws IOException {
        Path file = AskedProgram.compile(folder, "texts");
        String object = AskedProgram.object(folder, "printing");
        try (AskedProgram program = AskedProgram.start(file);
                TraceInstance trace = new TraceInstance("common_pid == " + program.pid())) {
            List<String> results =
                    results(run(program, object, "kernel", "text").output());
            String kernel = HEAD.matcher(trace.text()).replaceAll("$1-$2: ");
            assertThat(kernel)
                    .contains("texts-" + program.pid() + ": with its own end\n\n")
                    .contains("texts-" + program.pid() + ": two\nlines\tand a tab\n");

            String output = run(program, object, "user", "text").output();
            assertThat(results(output)).isEqualTo(results).hasSize(1);
            assertThat(HEAD.matcher(output.substring(0, output.indexOf("RESULTS[")))
                            .replaceAll("$1-$2: "))
                    .isEqualTo(kernel);
        }
    }

    @Test
    void linesAreObjectsInJson() throws IOException {
        Path file = AskedProgram.compile(folder, "texts");
        String object = AskedProgram.object(folder, "printing");
        try (AskedProgram program = AskedProgram.start(file)) {
            GraftRun run = run(program, object, "user", "jsonl");
            assertThat(run.output().lines().filter(line -> line.startsWith("{\"type\":\"printk\"")))
                    .hasSize(13)
                    .allMatch(line -> line.contains("\"pid\":%1$s,\"tid\":%1$s,\"cpu\":".formatted(program.pid())))
                    .anyMatch(line -> line.endsWith(",\"comm\":\"texts\",\"text\":\"two\\nlines\\tand a tab\"}"));
            assertThat(run.output()).contains("\"printed\":{\"seen\":13,\"delivered\":13,\"lost\":0,");
        }
    }

    @Test
    void ofThreadsAndChildren() throws IOException {
        try (AskedProgram program = AskedProgram.start(compiled())) {
            compare(program, List.of("threads", "churn", "children", "inner"));
        }
    }

    @Test
    void ofThreadsAndChildrenInAPidNamespace() throws IOException {
        try (AskedProgram program = AskedProgram.startInPidNamespace(compiled())) {
            compare(program, List.of("threads", "churn", "children", "inner"));
        }
    }

    /** Nobody reads meanwhile. */
    @Test
    void linesThatFindNoRoomAreCounted() throws IOException {
        Path file = AskedProgram.compile(folder, "texts");
        Path object = Path.of(AskedProgram.object(folder, "printing"));
        try (AskedProgram program = AskedProgram.start(file)) {
            SessionRequest all = Sessions.request(object, List.of(Integer.parseInt(program.pid())));
            Probe parsed = new Probe(Probe.Kind.ENTRY, "texts", "parsed", 0);
            try (Session session =
                    Sessions.open(all.with(List.of(new LinkRequest.Uprobe("on_parsed", parsed, 0))), new Attacher())) {
                program.answer("call");
                List<String> texts = new ArrayList<>();
                Prints prints = Prints.of(session.collection()).orElseThrow();
                while (prints.drain(line -> texts.add(line.text()), CALLS) > 0) {}

                assertThat(texts).containsOnly(" ".repeat(999) + "7").hasSizeBetween(CALLS / 2, CALLS - 1);
                assertThat(texts.size() + prints.losses().full()).isEqualTo(CALLS);
                assertThat(prints.losses().total()).isEqualTo(prints.losses().full());
            }
        }
    }

    private Path compiled() {
        return AskedProgram.compile(folder, "numbers", "-pthread");
    }

    /** The program runs on both sides at once. */
    private void compare(AskedProgram program, List<String> lines) throws IOException {
        String token = "graft-" + program.pid();
        Path object = Path.of(AskedProgram.object(folder, "printing", "-DTOKEN=\"" + token + "\""));
        List<LinkRequest> link =
                List.of(new LinkRequest.Syscall("on_getsid", Optional.of("getsid"), LinkRequest.Edge.ENTER, 0));
        SessionRequest here = Sessions.request(object, List.of(Integer.parseInt(program.pid())))
                .with(link)
                .with(ForkedChildren.FOLLOWED);
        try (TraceInstance trace = new TraceInstance("bpf_string ~ \"" + token + " *\"");
                Session session = Sessions.open(here, new Attacher());
                KernelSession _ = inKernel(Sessions.request(object, List.of()).with(link))) {
            int calls = 0;
            for (String line : lines) {
                calls = Integer.parseInt(program.answer(line));
            }
            List<String> kernel = new ArrayList<>();
            Matcher heads = Pattern.compile(HEAD + "(.*)").matcher(trace.text());
            while (heads.find()) {
                kernel.add("%s-%s: %s".formatted(heads.group(1), heads.group(2), heads.group(3)));
            }
            List<String> texts = new ArrayList<>();
            Prints prints = Prints.of(session.collection()).orElseThrow();
            while (prints.drain(line -> texts.add("%s-%d: %s".formatted(line.comm(), line.tid(), line.text())), CALLS)
                    > 0) {}

            assertThat(kernel).hasSize(calls);
            assertThat(texts).containsExactlyInAnyOrderElementsOf(kernel);
            assertThat(prints.losses().total()).isZero();
        }
    }

    private static KernelSession inKernel(SessionRequest request) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    private static List<String> results(String output) {
        return output.lines().filter(line -> line.startsWith("RESULTS[")).toList();
    }

    private static GraftRun run(AskedProgram program, String object, String place, String format) throws IOException {
        try (GraftProcess graft = GraftProcess.start(
                "run",
                object,
                "-p",
                program.pid(),
                "--where",
                place,
                "-o",
                format,
                "--without",
                "on_parsed",
                "--attach",
                "on_probed=uprobe::probed")) {
            graft.awaitLine("attached");
            assertThat(program.answer("call")).isEqualTo(program.pid());
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }
}
