package graft.tests.fuzz;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;

/** x86-64 machine code: at every offset an instruction within the bytes, or a reason. */
public final class X86Fuzz {
    private static final long BASE = 0x7f00_0000_0000L;
    private static final int MAX_LENGTH = 15;

    private X86Fuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        for (int at = 0; at < input.length; at++) {
            switch (X64Decoder.decode(input, at, new RemoteAddress(BASE + at))) {
                case Decoding.Refused(var reason) -> Outcome.says(reason.text(), reason);
                case X64Insn insn -> check(insn, input.length - at);
            }
        }
    }

    private static void check(X64Insn insn, int left) {
        int length = insn.length();
        Outcome.holds(length >= 1 && length <= Math.min(left, MAX_LENGTH), "length " + length + " of " + left);
        Outcome.holds(insn.bytes().length == length, "bytes of " + insn);
        Outcome.holds(inside(insn.dispOffset(), length), "displacement outside " + insn);
        Outcome.holds(insn.immOffset() + insn.immSize() <= length, "immediate outside " + insn);
        Outcome.holds(insn.modrm().map(byteOf -> byteOf >>> 8 == 0).orElse(true), "ModRM of " + insn);
        Outcome.holds(!insn.isRipRelative() || insn.ripTarget().isPresent(), "no target of " + insn);
        Outcome.says(insn.kind() + " " + insn + insn.branchTarget(), insn);
    }

    private static boolean inside(int offset, int length) {
        return offset >= 0 && offset < length;
    }
}
