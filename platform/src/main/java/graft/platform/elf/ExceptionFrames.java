package graft.platform.elf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code .eh_frame}: which functions there are, as the unwinder is told. */
final class ExceptionFrames {
    /** The section's name. */
    static final String SECTION = ".eh_frame";

    private static final long WIDE = 0xffffffffL;

    private final ElfFile file;
    private final ElfSection frames;
    private final DwarfCursor frame;
    private final Map<Long, Common> commons = new HashMap<>();
    private final List<Function> functions = new ArrayList<>();

    /**
     * A function.
     *
     * @param table address of its exception table, 0 without
     * @param program how its frames are unwound
     */
    record Function(long start, long size, long table, Common common, Program program) {}

    /** Where instructions for frames are. */
    record Program(long start, long end) {}

    /**
     * What the functions of one common entry share.
     *
     * @param codeUnit what distances between instructions are multiplied with
     * @param dataUnit what distances in a frame are multiplied with
     * @param returnColumn the register that stands for the return address
     * @param program what holds where each of them begins
     */
    record Common(
            boolean augmented,
            int tableEncoding,
            int codeEncoding,
            long codeUnit,
            long dataUnit,
            long returnColumn,
            Program program) {}

    private ExceptionFrames(ElfFile file, ElfSection frames) {
        this.file = file;
        this.frames = frames;
        this.frame = new DwarfCursor(file, frames);
    }

    /** The functions in {@code section} of {@code file}, in its order. */
    static List<Function> of(ElfFile file, ElfSection section) {
        ExceptionFrames reader = new ExceptionFrames(file, section);
        reader.readFrames();
        return reader.functions;
    }

    private void readFrames() {
        while (frame.left() >= 4) {
            long length = frame.u32();
            if (length == 0) {
                return;
            }
            if (length == WIDE) {
                length = frame.u64();
            }
            long start = frame.address();
            if (length < 4 || length > frame.left()) {
                throw file.bad(frames, "an entry of %d bytes".formatted(length));
            }
            long commonDistance = frame.u32();
            if (commonDistance != 0) {
                readFunction(common(start - commonDistance), start + length);
            }
            frame.seek(start + length);
        }
    }

    /** The common entry at {@code address}; leaves the cursor where it is. */
    private Common common(long address) {
        Common known = commons.get(address);
        if (known == null) {
            long here = frame.address();
            frame.seek(address);
            known = readCommon();
            frame.seek(here);
            commons.put(address, known);
        }
        return known;
    }

    private Common readCommon() {
        long length = frame.u32();
        if (length == WIDE) {
            length = frame.u64();
        }
        long end = frame.address() + length;
        if (frame.u32() != 0) {
            throw file.bad(frames, "a function's entry leads to no common entry");
        }
        int version = frame.u8();
        String augmentation = frame.text();
        if (version >= 4) {
            frame.u8();
            frame.u8();
        }
        long codeUnit = frame.uleb();
        long dataUnit = frame.sleb();
        long returnColumn = version == 1 ? frame.u8() : frame.uleb();
        if (!augmentation.startsWith("z")) {
            Program program = new Program(frame.address(), end);
            return new Common(false, DwarfCursor.OMIT, 0, codeUnit, dataUnit, returnColumn, program);
        }
        long bytes = frame.uleb();
        Program program = new Program(frame.address() + bytes, end);
        int tableEncoding = DwarfCursor.OMIT;
        int codeEncoding = 0;
        for (char letter : augmentation.substring(1).toCharArray()) {
            switch (letter) {
                case 'L' -> tableEncoding = frame.u8();
                case 'R' -> codeEncoding = frame.u8();
                case 'P' -> frame.skipPointer(frame.u8());
                case 'S', 'B', 'G' -> {
                    // Marks without a value.
                }
                default -> throw file.bad(frames, "unknown augmentation " + augmentation);
            }
        }
        return new Common(true, tableEncoding, codeEncoding, codeUnit, dataUnit, returnColumn, program);
    }

    private void readFunction(Common common, long end) {
        long start = frame.pointer(common.codeEncoding());
        long size = frame.value(common.codeEncoding());
        long exceptionTable = 0;
        long program = frame.address();
        if (common.augmented()) {
            long bytes = frame.uleb();
            program = frame.address() + bytes;
            if (common.tableEncoding() != DwarfCursor.OMIT) {
                exceptionTable = frame.pointer(common.tableEncoding());
            }
        }
        functions.add(new Function(start, size, exceptionTable, common, new Program(program, end)));
    }
}
