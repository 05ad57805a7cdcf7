package graft.cli.vm;

import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.interp.Tracer;
import java.io.PrintWriter;

/** A line for each executed instruction: its slot, its text, and the registers that it changed. */
final class TraceText implements Tracer {
    private final PrintWriter out;
    private final long[] before = new long[11];

    TraceText(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void executed(int slot, Insn insn, long[] registers) {
        StringBuilder changes = new StringBuilder();
        for (int number = 0; number < before.length; number++) {
            if (registers[number] != before[number]) {
                changes.append(" r%d=%x".formatted(number, registers[number]));
                before[number] = registers[number];
            }
        }
        out.println(
                "%4d: %-40s%s".formatted(slot, Disassembler.text(insn), changes).stripTrailing());
    }
}
