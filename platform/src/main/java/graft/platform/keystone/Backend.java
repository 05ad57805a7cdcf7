package graft.platform.keystone;

/** One way to run Keystone for x86-64. */
sealed interface Backend extends AutoCloseable permits NativeBackend, WasmBackend {

    /** What one call of {@code ks_asm} gave. */
    sealed interface Output {
        record Code(byte[] bytes) implements Output {}

        record Error(String text) implements Output {}
    }

    Output assemble(String text, long address);

    /** Which Keystone this is, for people. */
    String description();

    @Override
    void close();
}
