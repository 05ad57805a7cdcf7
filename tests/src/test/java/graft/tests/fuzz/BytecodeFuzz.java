package graft.tests.fuzz;

import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.InsnDecoder;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnFormatException;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.SymbolDecoder;
import graft.ebpf.insn.SymbolEncoder;

/** eBPF bytecode: what decodes has a text, encodes again, and then decodes to the same. */
public final class BytecodeFuzz {
    private BytecodeFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        Outcome.valueOr(InsnFormatException.class, () -> {
            InsnList insns = InsnDecoder.decode(input, SymbolDecoder.NONE);
            if (insns.slots() > 0) {
                Outcome.says(Disassembler.text(insns), insns);
            }
            byte[] encoded = InsnEncoder.encode(insns, SymbolEncoder.NONE);
            Outcome.holds(
                    InsnDecoder.decode(encoded, SymbolDecoder.NONE).equals(insns),
                    "encoding changes the program\n" + insns);
        });
    }
}
