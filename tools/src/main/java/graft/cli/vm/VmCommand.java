package graft.cli.vm;

import graft.cli.option.HelpOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft vm}: the eBPF machine without a target. */
@Command(
        name = "vm",
        description = "The eBPF machine by itself: run, check and read programs without a target.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ExecCommand.class,
            VerifyCommand.class,
            DisasmCommand.class,
            AsmCommand.class,
            CompileCommand.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft vm verify tool.bpf.o              every program: accepted or why not, and the cost",
            "  graft vm compile tool.bpf.o -o tool.o   programs as functions for a linker",
            "  echo b7000000050000009500000000000000 | graft vm exec",
            "  echo b7000000050000009500000000000000 | graft vm disasm",
            "  printf 'r0 = 5\\nexit\\n' | graft vm asm"
        })
public final class VmCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    /** For picocli. */
    public VmCommand() {}

    @Override
    public void run() {
        throw console.usageError("which command? see graft vm --help");
    }
}
