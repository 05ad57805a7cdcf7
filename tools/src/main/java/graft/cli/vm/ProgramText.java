package graft.cli.vm;

import graft.cli.error.Problem;
import graft.ebpf.insn.ControlFlow;
import graft.ebpf.insn.InsnDecoder;
import graft.ebpf.insn.InsnFormatException;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.SymbolDecoder;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import java.util.HexFormat;
import java.util.Optional;

/** Programs and memory as hex digits; blanks and line ends between bytes do not count. */
final class ProgramText {
    private ProgramText() {}

    /** Why a text is no program that can be run. */
    static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;

        Unreadable(String why) {
            super(why);
        }

        /** As a message of the command. */
        Problem problem() {
            return Problem.of("V004", "this is no program").because(getMessage());
        }
    }

    /** The bytes of a text. */
    static byte[] bytes(String hex) throws Unreadable {
        try {
            return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
        } catch (IllegalArgumentException _) {
            throw new Unreadable("not a whole number of bytes in hex digits");
        }
    }

    /** The instructions of a text. */
    static InsnList insns(String hex) throws Unreadable {
        try {
            return InsnDecoder.decode(bytes(hex), SymbolDecoder.NONE);
        } catch (InsnFormatException bad) {
            throw new Unreadable(bad.getMessage());
        }
    }

    /** A program that an engine can run without leaving it. */
    static ProgSpec program(String hex) throws Unreadable {
        InsnList insns = insns(hex);
        Optional<ControlFlow.Fault> fault = ControlFlow.fault(insns);
        if (fault.isPresent()) {
            throw new Unreadable(fault.get().toString());
        }
        return RawProgram.of("program", ProgType.UPROBE, insns);
    }
}
