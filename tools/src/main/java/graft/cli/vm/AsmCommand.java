package graft.cli.vm;

import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.Wide;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft vm asm}: instructions as text to bytes. */
@Command(
        name = "asm",
        description = {
            "Reads instructions as text and prints them as hex bytes, on one line.",
            "The syntax is that of graft vm disasm and of LLVM; NAME: in front of a line is a label that jumps and calls can"
                    + " name; ; and // begin comments."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  printf 'r0 = 5\\nexit\\n' | graft vm asm",
            "  graft vm asm loop.s | graft vm exec",
            "  graft vm disasm < program.hex | graft vm asm    the same bytes again"
        })
final class AsmCommand implements Runnable {
    @Parameters(arity = "0..1", paramLabel = "FILE", description = "the text (default: standard input)")
    private Optional<Path> file = Optional.empty();

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        switch (Assembler.assemble(text())) {
            case Assembler.Result.Assembled assembled -> {
                requireSelfContained(assembled);
                console.out()
                        .println(HexFormat.of().formatHex(InsnEncoder.encode(assembled.insns(), SymbolEncoder.NONE)));
            }
            case Assembler.Result.Refused(int line, int column, String what, String remedy) ->
                throw refusal(line, ":" + column, what).remedy(remedy).failure();
        }
    }

    private Problem refusal(int line, String column, String what) {
        return Problem.of("V006", name() + ":" + line + column).because(what);
    }

    private String name() {
        return file.map(Path::toString).orElse("standard input");
    }

    /** Bare bytes have no names in them. */
    private void requireSelfContained(Assembler.Result.Assembled assembled) {
        InsnList insns = assembled.insns();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (!insns.startsAt(slot)) {
                continue;
            }
            Optional<String> outside = outside(insns.at(slot));
            if (outside.isPresent()) {
                throw refusal(assembled.lines().get(slot), "", outside.get() + " has no number in bare bytes")
                        .remedy("compile an object, whose relocations name maps and kernel functions")
                        .failure();
            }
        }
    }

    private static Optional<String> outside(Insn insn) {
        if (insn instanceof Insn.CallKernelFunction(String name)) {
            return Optional.of("the function " + name);
        }
        return insn instanceof Insn.LoadWide(var _, var wide)
                ? switch (wide) {
                    case Wide.Constant _, Wide.Function _ -> Optional.empty();
                    case Wide.MapPointer(String map) -> Optional.of("the map " + map);
                    case Wide.MapValue(String map, long _) -> Optional.of("the map " + map);
                    case Wide.KernelSymbol(String name) -> Optional.of("the kernel symbol " + name);
                }
                : Optional.empty();
    }

    private String text() {
        try {
            return file.isPresent()
                    ? Files.readString(file.get())
                    : new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw Problem.of("L001", "cannot read " + name())
                    .because(e.toString())
                    .failure();
        }
    }
}
