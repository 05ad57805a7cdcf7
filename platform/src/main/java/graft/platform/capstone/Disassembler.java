package graft.platform.capstone;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnShape;
import graft.platform.asm.x86_64.X64Decoder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;

/**
 * Turns x86-64 machine code into text. Owns a Capstone handle and its memory; closing it gives them back. For the thread
 * that opened it.
 */
public final class Disassembler implements AutoCloseable {
    private static final int MNEMONIC_SIZE = 32;
    private static final int OPERANDS_SIZE = 160;

    private final CapstoneLibrary library;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment handle;
    private final MemorySegment insn;

    /** Whether there is a Capstone to use. */
    public sealed interface Opening {}

    /**
     * There is.
     *
     * @param disassembler to be closed by the caller
     */
    public record Available(Disassembler disassembler) implements Opening {}

    /**
     * There is not; everything but the explanation of instructions works all the same.
     *
     * @param why what was looked for and what was wrong with it
     * @param whatToTry what makes it available
     */
    public record Missing(String why, String whatToTry) implements Opening {}

    private Disassembler(CapstoneLibrary library) {
        this.library = library;
        handle = arena.allocate(JAVA_LONG);
        int error = library.open(handle);
        if (error != 0) {
            arena.close();
            throw new AssertionError("Capstone " + library.version() + " has x86 but cs_open gives " + error);
        }
        insn = library.allocateInsn(handle.get(JAVA_LONG, 0));
    }

    /** Loads the installed Capstone, on first use in this process, and opens it for x86-64 in Intel syntax. */
    public static Opening open() {
        return open(CapstoneLibrary.installed());
    }

    static Opening open(CapstoneLibrary.Loading loading) {
        return switch (loading) {
            case CapstoneLibrary.Loading.Loaded(CapstoneLibrary library) -> new Available(new Disassembler(library));
            case CapstoneLibrary.Loading.Failed(String why) ->
                new Missing(why, "install libcapstone5 or libcapstone4, or run: graft setup");
        };
    }

    /** Major and minor version of the library, for example {@code 4.0}. */
    public String version() {
        return library.version();
    }

    /**
     * All of {@code code} as text, one line an insn, without gaps. Bytes that Capstone does not know become a {@code
     * .byte} line: as long as the insn when graft's own decoder knows its length, else one byte.
     *
     * @param code machine code
     * @param address where the code runs; the targets of branches in the text follow from it
     */
    public List<DisassembledInsn> disassemble(byte[] code, RemoteAddress address) {
        List<DisassembledInsn> lines = new ArrayList<>();
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment memory = scratch.allocate(Math.max(1, code.length));
            MemorySegment.copy(code, 0, memory, JAVA_BYTE, 0, code.length);
            MemorySegment cursor = scratch.allocate(JAVA_LONG, 3);
            int at = 0;
            while (at < code.length) {
                RemoteAddress here = address.plus(at);
                cursor.setAtIndex(JAVA_LONG, 0, memory.address() + at);
                cursor.setAtIndex(JAVA_LONG, 1, code.length - at);
                cursor.setAtIndex(JAVA_LONG, 2, here.value());
                boolean known = library.next(handle.get(JAVA_LONG, 0), cursor, insn);
                int length = known
                        ? Short.toUnsignedInt(insn.get(JAVA_SHORT_UNALIGNED, InsnLayout.SIZE))
                        : unknownLength(code, at);
                byte[] bytes = Arrays.copyOfRange(code, at, at + length);
                lines.add(new DisassembledInsn(here, bytes, known ? text() : data(bytes)));
                at += length;
            }
        }
        return lines;
    }

    private static int unknownLength(byte[] code, int at) {
        return Math.max(1, InsnShape.length(X64Decoder.shape(code, at, code.length)));
    }

    private String text() {
        String mnemonic =
                insn.asSlice(library.layout().mnemonic(), MNEMONIC_SIZE).getString(0);
        String operands =
                insn.asSlice(library.layout().operands(), OPERANDS_SIZE).getString(0);
        return operands.isEmpty() ? mnemonic : mnemonic + " " + operands;
    }

    private static String data(byte[] bytes) {
        StringJoiner text = new StringJoiner(", ", ".byte ", "");
        for (byte b : bytes) {
            text.add(String.format("0x%02x", b));
        }
        return text.toString();
    }

    /** Gives back the handle and its memory. A second time it does nothing. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            library.freeInsn(insn);
            library.close(handle);
            arena.close();
        }
    }
}
