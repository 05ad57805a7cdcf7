package graft.cli.vm;

import graft.cli.option.HelpOptions;
import graft.ebpf.insn.Disassembler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft vm disasm}: how bare instructions read. */
@Command(
        name = "disasm",
        description = "Reads hex bytes on standard input and prints the instructions as text.",
        footerHeading = "%nExamples:%n",
        footer = {"  echo b7000000050000009500000000000000 | graft vm disasm"})
final class DisasmCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        try {
            String hex = new String(System.in.readAllBytes(), StandardCharsets.US_ASCII);
            console.out().print(Disassembler.text(ProgramText.insns(hex)));
        } catch (ProgramText.Unreadable unreadable) {
            throw unreadable.problem().failure();
        } catch (IOException e) {
            throw new UncheckedIOException("reading bytes", e);
        }
    }
}
