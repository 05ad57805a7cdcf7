package graft.ebpf.btf.dwarf;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.elf.ElfFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Which instructions begin the lines of a program's sources, by {@code .debug_line} of DWARF 2 to 5. */
public final class DwarfLines {
    private static final long WIDE = 0xffffffffL;

    private final DebugSections sections;
    private final Bytes lines;

    private DwarfLines(DebugSections sections, Bytes lines) {
        this.sections = sections;
        this.lines = lines;
    }

    /** The lines of a file; nothing when it has no such debug information. */
    public static Optional<DwarfLines> of(ElfFile elf) {
        Bytes lines = DebugSections.bytes(elf, ".debug_line");
        return lines.size() == 0
                ? Optional.empty()
                : DebugSections.of(elf).map(sections -> new DwarfLines(sections, lines));
    }

    /**
     * The lines of one source file that have code, ascending, with the addresses at which they begin; none when the
     * program was not built from such a file.
     *
     * @param source its name, or the end of its path
     * @throws graft.ebpf.btf.BtfFormatException when the debug information is damaged
     */
    public TreeMap<Integer, List<ElfVirtualAddress>> linesOf(String source) {
        TreeMap<Integer, TreeSet<Long>> found = new TreeMap<>();
        Bytes in = lines.at(0);
        while (in.hasMore()) {
            long length = in.unsigned(4);
            int offsetSize = 4;
            if (length == WIDE) {
                length = in.unsigned(8);
                offsetSize = 8;
            }
            Bytes end = in.at(in.place());
            end.skip(length);
            LineHeader header = LineHeader.read(in, sections, offsetSize);
            if (!header.filesNamed(source).isEmpty()) {
                new LineProgram(header, header.filesNamed(source)).run(in, end.place(), found);
            }
            in.go(end.place());
        }
        TreeMap<Integer, List<ElfVirtualAddress>> all = new TreeMap<>();
        found.forEach((line, addresses) -> {
            List<ElfVirtualAddress> places = new ArrayList<>();
            addresses.forEach(address -> places.add(new ElfVirtualAddress(address)));
            all.put(line, places);
        });
        return all;
    }
}
