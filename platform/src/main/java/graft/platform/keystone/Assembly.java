package graft.platform.keystone;

/** What became of assembler text. */
public sealed interface Assembly {

    /**
     * Machine code.
     *
     * @param bytes for the address that was given; not to be changed
     */
    record Assembled(byte[] bytes) implements Assembly {}

    /**
     * No code.
     *
     * @param statement the first statement that is wrong, or the whole text when it cannot be told
     * @param why what is wrong with it
     */
    record Rejected(String statement, String why) implements Assembly {}
}
