package graft.cli.prog;

import graft.cli.error.Problem;
import graft.cli.map.FoundSessions;
import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.daemon.control.ProgText;
import graft.daemon.control.SessionView;
import graft.platform.address.RemoteAddress;
import graft.platform.capstone.DisassembledInsn;
import graft.platform.capstone.Disassembler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft prog dump}. */
@Command(
        name = "dump",
        description =
                "Prints a program's instructions, relocated as they were verified, with source lines, and its machine "
                        + "code as it stands in each process now.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft prog dump on_call",
            "  graft prog dump 4711:on_call --show insn",
            "  graft prog dump on_call --show code -o jsonl"
        })
final class ProgDumpCommand implements Runnable {
    /** Bytes on a line without a disassembler. */
    private static final int ROW = 16;

    @Parameters(paramLabel = "PROG", description = "a name, or GRAFT:NAME with the graft command's process id")
    private String name;

    @Option(names = "--show", paramLabel = "WHAT", description = "insn, code or all (default)")
    private Show show = Show.all;

    @Mixin
    private OutputOptions console;

    /** Lower case because they are what users type. */
    enum Show {
        insn,
        code,
        all
    }

    @Override
    public void run() {
        FoundSessions.Named<SessionView.ProgView> found =
                FoundSessions.find(console.err()).one("program", name, SessionView::progs, SessionView.ProgView::name);
        ProgText text = found.session()
                .prog(found.thing().name())
                .orElseThrow(
                        () -> Problem.of("M004", "program " + name + " is gone").failure());
        if (show != Show.code) {
            text.insns().forEach(insn -> print(found.thing().name(), insn));
        }
        if (show != Show.insn) {
            switch (Disassembler.open()) {
                case Disassembler.Available(var disassembler) -> {
                    try (disassembler) {
                        text.code()
                                .forEach(code -> print(
                                        found.thing().name(),
                                        code,
                                        disassembler.disassemble(code.bytes(), new RemoteAddress(code.address()))));
                    }
                }
                case Disassembler.Missing(var why, var remedy) -> {
                    console.err().println("without disassembly: " + why + "; try: " + remedy);
                    text.code().forEach(code -> print(found.thing().name(), code, rows(code)));
                }
            }
        }
    }

    private static List<DisassembledInsn> rows(ProgText.CodeText code) {
        List<DisassembledInsn> rows = new ArrayList<>();
        for (int at = 0; at < code.bytes().length; at += ROW) {
            byte[] row = Arrays.copyOfRange(code.bytes(), at, Math.min(at + ROW, code.bytes().length));
            rows.add(new DisassembledInsn(new RemoteAddress(code.address() + at), row, ""));
        }
        return rows;
    }

    private void print(String prog, ProgText.InsnText insn) {
        if (console.format() == OutputFormat.text) {
            if (!insn.function().isEmpty()) {
                console.out().println(FoundSessions.printable(insn.function()) + ":");
            }
            if (!insn.source().isEmpty()) {
                console.out().println("; " + FoundSessions.printable(insn.source()));
            }
            console.out().printf("%4d: %s%n", insn.slot(), FoundSessions.printable(insn.text()));
            return;
        }
        JsonWriter json = new JsonWriter().beginObject().member("type", "insn").member("prog", prog);
        json.member("slot", insn.slot()).member("text", insn.text());
        if (!insn.source().isEmpty()) {
            json.member("source", insn.source());
        }
        console.out().println(json.endObject());
    }

    private void print(String prog, ProgText.CodeText code, List<DisassembledInsn> insns) {
        if (console.format() == OutputFormat.text) {
            console.out().printf("process %d, %d bytes at 0x%x:%n", code.pid(), code.bytes().length, code.address());
        }
        for (DisassembledInsn insn : insns) {
            if (console.format() == OutputFormat.text) {
                console.out()
                        .println("%12x: %-24s %s"
                                .formatted(insn.address().value(), insn.hex(), insn.text())
                                .stripTrailing());
            } else {
                JsonWriter json =
                        new JsonWriter().beginObject().member("type", "native").member("prog", prog);
                json.member("pid", code.pid()).address("address", insn.address().value());
                json.member("bytes", HexFormat.of().formatHex(insn.bytes())).member("text", insn.text());
                console.out().println(json.endObject());
            }
        }
    }
}
