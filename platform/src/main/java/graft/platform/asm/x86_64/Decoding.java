package graft.platform.asm.x86_64;

/** The result of decoding at one place: an instruction, or why there is none that is known for certain. */
public sealed interface Decoding permits X64Insn, Decoding.Refused {

    /** There is no instruction here that this decoder knows. Never means "probably data": only "not proven". */
    record Refused(Reason reason) implements Decoding {}

    /** Why decoding stopped. */
    enum Reason {
        /** The bytes end inside the instruction. */
        TRUNCATED("the bytes end inside the instruction"),
        /** The opcode is not assigned in 64-bit mode. */
        UNKNOWN_OPCODE("not an instruction of x86-64"),
        /** More than fifteen bytes. */
        TOO_LONG("longer than 15 bytes"),
        /** A prefix that the instruction form excludes. */
        BAD_PREFIX("a prefix that this instruction does not allow"),
        /** APX (REX2, extended EVEX): not known to this decoder. */
        APX("an APX instruction, which this decoder does not know"),
        /** Intel and AMD processors read different lengths here. */
        VENDOR_DEPENDENT("Intel and AMD processors disagree about this instruction");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        /** For people. */
        public String text() {
            return text;
        }
    }
}
