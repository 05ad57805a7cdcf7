package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One ELF file. The header tables are read at opening, everything else when asked for. Owns the open file; closing it
 * closes that. Bad content ends in {@link ElfFormatException}; a file that cannot be read ends in
 * {@link java.io.UncheckedIOException}. For one thread at a time.
 */
public final class ElfFile implements AutoCloseable {
    private static final int REL_BYTES = 16;
    private static final int RELA_BYTES = 24;
    private static final int GNU_BUILD_ID = 3;
    /** More than any program has: a bad file of some megabytes would otherwise fill the memory. */
    private static final int MAX_PACKED = 8_000_000;

    private final ByteSource source;
    private final ElfHeaders headers;
    private final Map<SymbolTable, List<ElfSymbol>> symbols = new EnumMap<>(SymbolTable.class);
    private Optional<FunctionIndex> functions = Optional.empty();

    private ElfFile(ByteSource source) {
        this.source = source;
        this.headers = ElfHeaders.read(source);
    }

    /** Opens a file; the caller closes it. */
    public static ElfFile open(Path path) {
        ByteSource.OpenFile source = ByteSource.OpenFile.open(path);
        boolean done = false;
        try {
            ElfFile file = new ElfFile(source);
            done = true;
            return file;
        } finally {
            if (!done) {
                source.close();
            }
        }
    }

    /** Reads a file in memory, without a copy: the bytes must not change. Closing does nothing. */
    public static ElfFile of(String name, byte[] bytes) {
        return new ElfFile(new ByteSource.Memory(name, bytes));
    }

    /** The file's name, for messages. */
    public String name() {
        return source.name();
    }

    /** Bytes of the file. */
    public long size() {
        return source.size();
    }

    ByteSource source() {
        return source;
    }

    /** Kind of file and machine. */
    public ElfHeader header() {
        return headers.header();
    }

    /** All sections in order; the first is the empty section 0. */
    public List<ElfSection> sections() {
        return headers.sections();
    }

    /** The first section with a name. */
    public Optional<ElfSection> section(String name) {
        return sections().stream()
                .filter(section -> section.name().equals(name))
                .findFirst();
    }

    /** All program headers in order. */
    public List<ElfSegment> segments() {
        return headers.segments();
    }

    /** A copy of a section's bytes; none for {@link ElfSection#NOBITS}. */
    public byte[] content(ElfSection section) {
        return buffer(section).array();
    }

    ByteBuffer buffer(ElfSection section) {
        if (section.type() == ElfSection.NOBITS) {
            return ByteBuffer.allocate(0);
        }
        return source.read(section.offset().value(), section.size());
    }

    StringTable strings(int sectionIndex) {
        if (sectionIndex < 0 || sectionIndex >= sections().size()) {
            throw new ElfFormatException(name(), 0, "no section " + sectionIndex + " for strings");
        }
        ElfSection section = sections().get(sectionIndex);
        return new StringTable(name(), section.offset().value(), buffer(section));
    }

    ElfFormatException bad(ElfSection section, String reason) {
        return new ElfFormatException(name(), section.offset().value(), section.name() + ": " + reason);
    }

    /** The symbols of a table in order; none when the file has no such table. */
    public List<ElfSymbol> symbols(SymbolTable table) {
        return symbols.computeIfAbsent(
                table,
                _ -> sections().stream()
                        .filter(section -> section.type() == table.sectionType())
                        .findFirst()
                        .map(section -> new SymbolReader(this, section).read())
                        .orElse(List.of()));
    }

    /** The functions that this file defines, by name and address. Built at the first call. */
    public FunctionIndex functions() {
        if (functions.isEmpty()) {
            List<ElfSymbol> all = new ArrayList<>(symbols(SymbolTable.DYNAMIC));
            all.addAll(symbols(SymbolTable.STATIC));
            functions = Optional.of(FunctionIndex.of(all));
        }
        return functions.get();
    }

    /** The entries of a {@code REL} or {@code RELA} section in order. */
    public List<ElfRelocation> relocations(ElfSection section) {
        boolean explicitAddend = section.type() == ElfSection.RELA;
        if (!explicitAddend && section.type() != ElfSection.REL) {
            throw bad(section, "not a relocation section");
        }
        int bytesEach = explicitAddend ? RELA_BYTES : REL_BYTES;
        ByteBuffer bytes = buffer(section);
        if (bytes.limit() % bytesEach != 0) {
            throw bad(section, "relocation table of %d bytes".formatted(bytes.limit()));
        }
        List<ElfRelocation> relocations = new ArrayList<>(bytes.limit() / bytesEach);
        for (int at = 0; at < bytes.limit(); at += bytesEach) {
            long info = bytes.getLong(at + 8);
            long addend = explicitAddend ? bytes.getLong(at + 16) : 0;
            relocations.add(new ElfRelocation(bytes.getLong(at), (int) info, (int) (info >>> 32), addend));
        }
        return List.copyOf(relocations);
    }

    /**
     * The words that a {@link ElfSection#RELR} section relocates, by their addresses: the load bias is added to what is
     * there. gABI, "Relative Relocations": an even entry is an address, an odd one a bit map of the 63 words behind.
     */
    public List<ElfVirtualAddress> packedRelocations(ElfSection section) {
        if (section.type() != ElfSection.RELR) {
            throw bad(section, "not a section of packed relocations");
        }
        List<ElfVirtualAddress> places = new ArrayList<>();
        long next = 0;
        ByteBuffer entries = buffer(section);
        while (entries.remaining() >= Long.BYTES) {
            if (places.size() > MAX_PACKED) {
                throw bad(section, "more than %d packed relocations".formatted(MAX_PACKED));
            }
            long entry = entries.getLong();
            if ((entry & 1) == 0) {
                places.add(new ElfVirtualAddress(entry));
                next = entry + Long.BYTES;
            } else {
                for (int bit = 1; bit < Long.SIZE; bit++) {
                    if ((entry >>> bit & 1) != 0) {
                        places.add(new ElfVirtualAddress(next + (long) (bit - 1) * Long.BYTES));
                    }
                }
                next += (Long.SIZE - 1L) * Long.BYTES;
            }
        }
        return List.copyOf(places);
    }

    /**
     * Where an unwinder may continue inside this file's functions, ascending.
     *
     * @throws ElfFormatException when the exception tables are not understood
     */
    public List<ElfVirtualAddress> landingPads() {
        return LandingPads.of(this);
    }

    /**
     * Where functions begin and end, symbols or not; none when the file has no {@code .eh_frame}.
     *
     * @throws ElfFormatException when that is not understood
     */
    public FunctionBounds functionBounds() {
        return FunctionBounds.of(section(ExceptionFrames.SECTION)
                .map(section -> ExceptionFrames.of(this, section))
                .orElse(List.of()));
    }

    /** Where an address's byte is in the file; nothing for zero-filled memory and addresses outside. */
    public Optional<FileOffset> fileOffset(ElfVirtualAddress address) {
        return segments().stream()
                .filter(segment -> segment.type() == ElfSegment.LOAD && segment.holds(address))
                .findFirst()
                .map(segment -> new FileOffset(address.value()
                        - segment.address().value()
                        + segment.offset().value()));
    }

    /** Where a byte of the file is in memory; nothing when it is not loaded. */
    public Optional<ElfVirtualAddress> virtualAddress(FileOffset offset) {
        return segments().stream()
                .filter(segment -> segment.type() == ElfSegment.LOAD && segment.holds(offset))
                .findFirst()
                .map(segment -> new ElfVirtualAddress(offset.value()
                        - segment.offset().value()
                        + segment.address().value()));
    }

    /**
     * Bytes as the file will be loaded, without relocations applied.
     *
     * @throws ElfFormatException when the range is not wholly in the file
     */
    public byte[] bytesAt(ElfVirtualAddress address, int length) {
        FileOffset offset = fileOffset(address)
                .orElseThrow(() -> new ElfFormatException(name(), 0, "address " + address + " is not in the file"));
        return source.read(offset.value(), length).array();
    }

    /** What the dynamic linker is told; all empty for static files. */
    public DynamicTable dynamic() {
        return segments().stream()
                .filter(segment -> segment.type() == ElfSegment.DYNAMIC)
                .findFirst()
                .map(segment -> DynamicTable.read(this, segment))
                .orElse(DynamicTable.NONE);
    }

    /** The path of the dynamic linker; nothing for libraries and static programs. */
    public Optional<String> interpreter() {
        return segments().stream()
                .filter(segment -> segment.type() == ElfSegment.INTERPRETER)
                .findFirst()
                .map(segment -> source.read(segment.offset().value(), segment.fileSize()))
                .map(ElfFile::text);
    }

    /** The identity that the linker gave this file. */
    public Optional<BuildId> buildId() {
        for (ElfSegment segment : segments()) {
            if (segment.type() == ElfSegment.NOTE) {
                Optional<BuildId> id =
                        buildIdIn(source.read(segment.offset().value(), segment.fileSize()), segment.alignment());
                if (id.isPresent()) {
                    return id;
                }
            }
        }
        for (ElfSection section : sections()) {
            if (section.type() == ElfSection.NOTE) {
                Optional<BuildId> id = buildIdIn(buffer(section), section.alignment());
                if (id.isPresent()) {
                    return id;
                }
            }
        }
        return Optional.empty();
    }

    /** Notes: name size 4, content size 4, type 4, then name and content, each padded. */
    private static Optional<BuildId> buildIdIn(ByteBuffer notes, long alignment) {
        long pad = alignment == 8 ? 8 : 4;
        long at = 0;
        while (at + 12 <= notes.limit()) {
            long nameBytes = Integer.toUnsignedLong(notes.getInt((int) at));
            long contentBytes = Integer.toUnsignedLong(notes.getInt((int) at + 4));
            long content = align(at + 12 + nameBytes, pad);
            if (content + contentBytes > notes.limit()) {
                return Optional.empty();
            }
            boolean gnu = nameBytes == 4 && notes.getInt((int) at + 12) == 0x00554e47;
            if (gnu && notes.getInt((int) at + 8) == GNU_BUILD_ID && contentBytes > 0) {
                int start = (int) content;
                return Optional.of(BuildId.of(Arrays.copyOfRange(notes.array(), start, start + (int) contentBytes)));
            }
            at = align(content + contentBytes, pad);
        }
        return Optional.empty();
    }

    private static long align(long value, long to) {
        return (value + to - 1) & -to;
    }

    /** Where the debugging information is said to be; see {@link DebugFiles} for where it is. */
    public Optional<DebugLink> debugLink() {
        return section(".gnu_debuglink").map(section -> {
            ByteBuffer bytes = buffer(section);
            String fileName = text(bytes);
            long crc = align(fileName.getBytes(StandardCharsets.UTF_8).length + 1L, 4);
            if (crc + 4 > bytes.limit()) {
                throw bad(section, "no room for a checksum");
            }
            return new DebugLink(fileName, bytes.getInt((int) crc));
        });
    }

    /** The bytes up to the first zero. */
    private static String text(ByteBuffer bytes) {
        int end = 0;
        while (end < bytes.limit() && bytes.get(end) != 0) {
            end++;
        }
        return new String(bytes.array(), 0, end, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        source.close();
    }
}
