package graft.cli;

import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.platform.address.RemoteAddress;
import graft.platform.capstone.Disassembler;
import graft.platform.keystone.Assembly;
import graft.platform.keystone.KeystoneEngine;
import java.io.PrintWriter;
import java.util.HexFormat;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft asm}: the bytes of x86-64 assembler text. */
@Command(
        name = "asm",
        description = "Assembles x86-64 text; prints its bytes and how they read.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft asm \"lea rax, [rip+16]\"", "  graft asm --address 0x401000 \"push rbp; jmp 0x401080\""})
final class AsmCommand implements Runnable {
    @Parameters(paramLabel = "TEXT", description = "statements in Intel syntax, separated by ;")
    private String text;

    @Option(names = "--address", defaultValue = "0", description = "where the code will be (default: 0)")
    private String address;

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        RemoteAddress at = address();
        switch (KeystoneEngine.open()) {
            case KeystoneEngine.Missing(String why, String whatToTry) ->
                throw Problem.of("D007", "cannot assemble")
                        .because(why)
                        .remedy(whatToTry)
                        .failure();
            case KeystoneEngine.Available(KeystoneEngine engine) -> {
                try (engine) {
                    print(engine.assemble(text, at), at);
                }
            }
        }
    }

    private RemoteAddress address() {
        try {
            return new RemoteAddress(
                    address.startsWith("0x")
                            ? Long.parseUnsignedLong(address.substring(2), 16)
                            : Long.parseUnsignedLong(address));
        } catch (NumberFormatException _) {
            throw Problem.of("U001", "graft asm: --address " + address + " is not a number")
                    .failure();
        }
    }

    private void print(Assembly assembly, RemoteAddress at) {
        switch (assembly) {
            case Assembly.Rejected(String statement, String why) ->
                throw Problem.of("U004", "cannot assemble: " + statement)
                        .because(why)
                        .failure();
            case Assembly.Assembled(byte[] code) -> print(code, at);
        }
    }

    private void print(byte[] code, RemoteAddress at) {
        PrintWriter out = console.out();
        switch (Disassembler.open()) {
            case Disassembler.Missing _ ->
                out.println(HexFormat.ofDelimiter(" ").formatHex(code));
            case Disassembler.Available(Disassembler disassembler) -> {
                try (disassembler) {
                    disassembler
                            .disassemble(code, at)
                            .forEach(line -> out.printf("%-12s %-32s %s%n", line.address(), line.hex(), line.text()));
                }
            }
        }
    }
}
