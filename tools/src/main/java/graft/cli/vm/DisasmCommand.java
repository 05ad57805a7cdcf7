package graft.cli.vm;

import graft.ebpf.insn.Disassembler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code graft vm disasm}: how bare instructions read. */
@Command(
        name = "disasm",
        description = "Reads hex bytes on standard input and prints the instructions as text.",
        footerHeading = "%nExamples:%n",
        footer = {"  echo b7000000050000009500000000000000 | graft vm disasm"})
final class DisasmCommand implements Runnable {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    private boolean help;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        try {
            String hex = new String(System.in.readAllBytes(), StandardCharsets.US_ASCII);
            spec.commandLine().getOut().print(Disassembler.text(ProgramText.insns(hex)));
        } catch (ProgramText.Unreadable unreadable) {
            throw unreadable.problem().failure();
        } catch (IOException e) {
            throw new UncheckedIOException("reading bytes", e);
        }
    }
}
