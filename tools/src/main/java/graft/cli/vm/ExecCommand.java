package graft.cli.vm;

import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.ContextLayout;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft vm exec}: runs bare programs. */
@Command(
        name = "exec",
        description = "Runs a program given as hex bytes on standard input; prints r0.",
        footerHeading =
                "%nr1 points to the memory and r2 is its length. Nothing is verified unless asked for.%nExamples:%n",
        footer = {
            "  echo 7100010000000000 9500000000000000 | graft vm exec \"2a 00\"",
            "  graft vm exec --batch < programs        lines: ID MEMHEX|- PROGHEX"
        })
final class ExecCommand implements Runnable {
    /** Who runs the program. */
    enum EngineName {
        interp,
        jit
    }

    @Parameters(
            arity = "0..1",
            paramLabel = "MEMHEX",
            defaultValue = "",
            description = "the memory, as hex bytes (default: none)")
    private String memory;

    @Option(names = "--batch", description = "one program a line: ID MEMHEX|- PROGHEX; prints ID ok R0 or ID err WHY")
    private boolean batch;

    @Option(
            names = "--engine",
            paramLabel = "ENGINE",
            defaultValue = "jit",
            description = "jit: machine code in a process of its own (default); interp: the interpreter")
    private EngineName engine;

    @Option(
            names = "--trace",
            description = "interpret, and print every instruction with the registers it changed on standard error")
    private boolean trace;

    @Option(names = "--verify", description = "verify first; the memory is a context that can only be read")
    private boolean verify;

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        PrintWriter out = console.out();
        try (Engine opened = open();
                BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            if (batch) {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    answer(opened, line, out);
                    if (!in.ready()) {
                        out.flush();
                    }
                }
            } else {
                single(opened, in.lines().collect(Collectors.joining("\n")), out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading programs", e);
        }
    }

    private Engine open() {
        if (trace) {
            return new InterpretedEngine(new TraceText(console.err()));
        }
        return switch (engine) {
            case interp -> new InterpretedEngine();
            case jit -> new CompiledEngine();
        };
    }

    private void single(Engine opened, String hex, PrintWriter out) {
        try {
            switch (outcome(opened, hex, ProgramText.bytes(memory))) {
                case Outcome.Returned(long r0, var _) -> out.println(Long.toHexString(r0));
                case Outcome.Failed(String why) ->
                    throw Problem.of("V005", "the program failed").because(why).failure();
            }
        } catch (ProgramText.Unreadable unreadable) {
            throw unreadable.problem().failure();
        }
    }

    private void answer(Engine opened, String line, PrintWriter out) {
        String[] words = line.strip().split("\\s+");
        if (words.length != 3) {
            if (!line.isBlank()) {
                out.println(words[0] + " err the line is not: ID MEMHEX|- PROGHEX");
            }
            return;
        }
        try {
            byte[] bytes = ProgramText.bytes(words[1].equals("-") ? "" : words[1]);
            switch (outcome(opened, words[2], bytes)) {
                case Outcome.Returned(long r0, var _) -> out.println(words[0] + " ok " + Long.toHexString(r0));
                case Outcome.Failed(String why) -> out.println(words[0] + " err " + why);
            }
        } catch (ProgramText.Unreadable unreadable) {
            out.println(words[0] + " err " + unreadable.getMessage());
        }
    }

    private Outcome outcome(Engine opened, String hex, byte[] bytes) throws ProgramText.Unreadable {
        ProgSpec program = ProgramText.program(hex);
        if (verify) {
            ContextLayout context = new ContextLayout("the memory", 0, bytes.length);
            if (Verifier.of(Map.of()).verify(program, context) instanceof Verdict.Rejected(var rejection)) {
                return new Outcome.Failed("refused: insn %d: %s".formatted(rejection.slot(), rejection.why()));
            }
        }
        return opened.run(program, bytes);
    }
}
