package graft.platform.elf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An x86-64 ELF object for a linker: functions in {@code .text}, a global symbol for each, and references to symbols that
 * are defined elsewhere.
 */
public final class RelocatableObject {
    private static final int EHDR_BYTES = 64;
    private static final int SHDR_BYTES = 64;
    private static final int SYM_BYTES = 24;
    private static final int RELA_BYTES = 24;
    private static final int ALIGNMENT = 64;
    private static final int EM_X86_64 = 62;
    private static final int SHT_PROGBITS = 1;
    private static final int SHT_SYMTAB = 2;
    private static final int SHT_STRTAB = 3;
    private static final int SHT_RELA = 4;
    private static final int SHF_ALLOC_EXEC = 0x6;
    private static final int SHF_INFO_LINK = 0x40;
    private static final int TEXT_INDEX = 1;
    private static final int SYMTAB_INDEX = 3;
    private static final int STRTAB_INDEX = 4;
    private static final int GLOBAL_FUNCTION = 0x12;
    private static final int GLOBAL_UNTYPED = 0x10;
    private static final int R_X86_64_PC32 = 2;
    private static final byte INT3 = (byte) 0xcc;
    private static final String SECTION_NAMES = "\0.text\0.rela.text\0.symtab\0.strtab\0.note.GNU-stack\0";

    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private final Map<String, Integer> symbols = new LinkedHashMap<>();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private final ByteArrayOutputStream relocations = new ByteArrayOutputStream();

    /**
     * Four bytes of a function that become the distance from their end to a symbol.
     *
     * @param offset in the function
     * @param addend to the symbol's address
     */
    public record Reference(int offset, String symbol, long addend) {}

    /** A function's name, code and references. */
    public record Function(String name, byte[] code, List<Reference> references) {}

    private RelocatableObject() {
        strings.write(0);
        entries.writeBytes(new byte[SYM_BYTES]);
    }

    /** The object file. */
    public static byte[] of(List<Function> functions) {
        RelocatableObject object = new RelocatableObject();
        Map<Function, Integer> starts = new LinkedHashMap<>();
        for (Function function : functions) {
            while (object.text.size() % ALIGNMENT != 0) {
                object.text.write(INT3);
            }
            starts.put(function, object.text.size());
            object.symbol(function.name(), GLOBAL_FUNCTION, object.text.size(), function.code().length);
            object.text.writeBytes(function.code());
        }
        starts.forEach(object::relocate);
        return object.file();
    }

    private void symbol(String name, int info, long value, long size) {
        if (symbols.put(name, symbols.size() + 1) != null) {
            throw new IllegalArgumentException("two functions are named " + name);
        }
        ByteBuffer entry = little(SYM_BYTES);
        entry.putInt(strings.size()).put((byte) info).put((byte) 0);
        entry.putShort((short) (info == GLOBAL_FUNCTION ? TEXT_INDEX : 0));
        entry.putLong(value).putLong(size);
        entries.writeBytes(entry.array());
        strings.writeBytes(name.getBytes(StandardCharsets.UTF_8));
        strings.write(0);
    }

    private void relocate(Function function, int start) {
        for (Reference reference : function.references()) {
            if (!symbols.containsKey(reference.symbol())) {
                symbol(reference.symbol(), GLOBAL_UNTYPED, 0, 0);
            }
            long symbol = symbols.get(reference.symbol());
            ByteBuffer entry = little(RELA_BYTES);
            entry.putLong(start + reference.offset()).putLong(symbol << 32 | R_X86_64_PC32);
            entry.putLong(reference.addend() - Integer.BYTES);
            relocations.writeBytes(entry.array());
        }
    }

    private byte[] file() {
        byte[] names = SECTION_NAMES.getBytes(StandardCharsets.US_ASCII);
        List<byte[]> contents = List.of(
                text.toByteArray(), relocations.toByteArray(), entries.toByteArray(), strings.toByteArray(), names);
        int[] offsets = new int[contents.size()];
        int end = EHDR_BYTES;
        for (int i = 0; i < contents.size(); i++) {
            end = (end + ALIGNMENT - 1) & -ALIGNMENT;
            offsets[i] = end;
            end += contents.get(i).length;
        }
        int table = (end + 7) & -8;
        ByteBuffer file = little(table + 7 * SHDR_BYTES);
        header(file, table);
        for (int i = 0; i < offsets.length; i++) {
            file.put(offsets[i], contents.get(i));
        }
        file.position(table + SHDR_BYTES);
        section(file, ".text", new long[] {SHT_PROGBITS, SHF_ALLOC_EXEC, offsets[0], text.size(), 0, 0, ALIGNMENT, 0});
        section(file, ".rela.text", new long[] {
            SHT_RELA, SHF_INFO_LINK, offsets[1], relocations.size(), SYMTAB_INDEX, TEXT_INDEX, 8, RELA_BYTES
        });
        section(file, ".symtab", new long[] {SHT_SYMTAB, 0, offsets[2], entries.size(), STRTAB_INDEX, 1, 8, SYM_BYTES});
        section(file, ".strtab", new long[] {SHT_STRTAB, 0, offsets[3], strings.size(), 0, 0, 1, 0});
        section(file, ".strtab", new long[] {SHT_STRTAB, 0, offsets[4], names.length, 0, 0, 1, 0});
        section(file, ".note.GNU-stack", new long[] {SHT_PROGBITS, 0, end, 0, 0, 0, 1, 0});
        return file.array();
    }

    private static void header(ByteBuffer file, int table) {
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        file.putShort((short) 1).putShort((short) EM_X86_64).putInt(1);
        file.putLong(0).putLong(0).putLong(table).putInt(0);
        file.putShort((short) EHDR_BYTES).putShort((short) 0).putShort((short) 0);
        file.putShort((short) SHDR_BYTES).putShort((short) 7).putShort((short) 5);
    }

    /** @param fields type, flags, offset, size, link, info, alignment, size of an entry */
    private static void section(ByteBuffer file, String name, long[] fields) {
        file.putInt(SECTION_NAMES.indexOf(name + "\0")).putInt((int) fields[0]);
        file.putLong(fields[1]).putLong(0).putLong(fields[2]).putLong(fields[3]);
        file.putInt((int) fields[4]).putInt((int) fields[5]).putLong(fields[6]).putLong(fields[7]);
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
