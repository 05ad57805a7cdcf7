package graft.ebpf.btf.dwarf;

import graft.ebpf.btf.BtfFormatException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * What is in front of one line program.
 *
 * @param operands of each standard operation, by its number
 * @param files paths by number, as the operations count them
 */
record LineHeader(
        int unit, StartsStatement first, int lineBase, int lineRange, int[] operands, List<String> files, int program) {
    private static final int MAX_FILES = 1 << 20;
    private static final int PATH = 1;
    private static final int FOLDER = 2;

    /** Whether a row begins a statement as long as the program does not say otherwise. */
    enum StartsStatement {
        YES,
        NO
    }

    /** Reads a header behind its length; the place is then the program's. */
    static LineHeader read(Bytes in, DebugSections sections, int offsetSize) {
        int start = in.place();
        int version = (int) in.unsigned(2);
        if (version < 2 || version > 5) {
            return new LineHeader(1, StartsStatement.NO, 0, 1, new int[0], List.of(), start);
        }
        int addressSize = version == 5 ? (int) in.unsigned(1) : Long.BYTES;
        in.skip(version == 5 ? 1 : 0);
        long headerLength = in.unsigned(offsetSize);
        long program = in.place() + headerLength;
        int unit = (int) in.unsigned(1);
        in.skip(version >= 4 ? 1 : 0);
        StartsStatement first = in.unsigned(1) != 0 ? StartsStatement.YES : StartsStatement.NO;
        int lineBase = (byte) in.unsigned(1);
        int lineRange = (int) in.unsigned(1);
        int[] operands = new int[Math.max(1, (int) in.unsigned(1))];
        for (int i = 1; i < operands.length; i++) {
            operands[i] = (int) in.unsigned(1);
        }
        Form.Unit forms = new Form.Unit(sections, 0, version, offsetSize, addressSize, 2L * offsetSize);
        List<String> files = version == 5 ? described(in, forms) : listed(in);
        in.go(program);
        if (lineRange == 0) {
            throw new BtfFormatException(".debug_line: a range of no lines");
        }
        return new LineHeader(unit, first, lineBase, lineRange, operands, files, (int) program);
    }

    /** Before version 5: folders, then files from number 1 on. */
    private static List<String> listed(Bytes in) {
        List<String> folders = new ArrayList<>(List.of(""));
        for (String folder = in.text(); !folder.isEmpty(); folder = in.text()) {
            folders.add(folder);
        }
        List<String> files = new ArrayList<>(List.of(""));
        for (String name = in.text(); !name.isEmpty(); name = in.text()) {
            files.add(path(folders, in.uleb(), name));
            in.uleb();
            in.uleb();
        }
        return files;
    }

    private static String path(List<String> folders, long folder, String name) {
        String before = folder >= 0 && folder < folders.size() ? folders.get((int) folder) : "";
        return name.startsWith("/") || before.isEmpty() ? name : before + "/" + name;
    }

    private record Entry(String path, long folder) {}

    private static List<String> described(Bytes in, Form.Unit forms) {
        List<String> folders = entries(in, forms).stream().map(Entry::path).toList();
        return entries(in, forms).stream()
                .map(entry -> path(folders, entry.folder, entry.path))
                .toList();
    }

    /** A table that begins with the description of its columns. */
    private static List<Entry> entries(Bytes in, Form.Unit forms) {
        int columns = (int) in.unsigned(1);
        int[] kinds = new int[columns];
        int[] encodings = new int[columns];
        for (int i = 0; i < columns; i++) {
            kinds[i] = (int) in.uleb();
            encodings[i] = (int) in.uleb();
        }
        long count = in.uleb();
        if (count < 0 || count > MAX_FILES || columns == 0 && count > 0) {
            throw new BtfFormatException(".debug_line: %d files".formatted(count));
        }
        List<Entry> entries = new ArrayList<>();
        for (long row = 0; row < count; row++) {
            String path = "";
            long folder = 0;
            for (int i = 0; i < columns; i++) {
                Form form = Form.read(encodings[i], 0, in, forms);
                if (kinds[i] == PATH) {
                    Optional<String> text = form.text().map(Form.Place::read);
                    path = text.orElse("");
                } else if (kinds[i] == FOLDER) {
                    folder = form.number().orElse(0);
                }
            }
            entries.add(new Entry(path, folder));
        }
        return entries;
    }

    /** The numbers of the files that are called so. */
    BitSet filesNamed(String source) {
        BitSet named = new BitSet();
        for (int i = 0; i < files.size(); i++) {
            String path = files.get(i);
            if (path.equals(source) || path.endsWith("/" + source)) {
                named.set(i);
            }
        }
        return named;
    }
}
