package graft.uprobe.usdt;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSection;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads the notes that {@code sys/sdt.h} leaves in a file. */
public final class StaticProbes {
    private static final String NOTES = ".note.stapsdt";
    private static final String BASE = ".stapsdt.base";
    private static final String OWNER = "stapsdt";
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 4;

    private StaticProbes() {}

    /**
     * All static probes of {@code file}, in the order of its notes.
     *
     * @throws ElfFormatException when a note is cut off
     */
    public static List<StaticProbe> of(ElfFile file) {
        Optional<ElfVirtualAddress> base = file.section(BASE).map(ElfSection::address);
        List<StaticProbe> probes = new ArrayList<>();
        for (ElfSection section : file.sections()) {
            if (section.type() == ElfSection.NOTE && section.name().equals(NOTES)) {
                ByteBuffer notes = ByteBuffer.wrap(file.content(section)).order(ByteOrder.LITTLE_ENDIAN);
                try {
                    read(notes, base, probes);
                } catch (BufferUnderflowException | IllegalArgumentException _) {
                    throw new ElfFormatException(
                            file.name(), section.offset().value(), "a note of a static probe is cut off");
                }
            }
        }
        return List.copyOf(probes);
    }

    private static void read(ByteBuffer notes, Optional<ElfVirtualAddress> base, List<StaticProbe> probes) {
        while (notes.remaining() >= 3 * Integer.BYTES) {
            int nameBytes = notes.getInt();
            int contentBytes = notes.getInt();
            int type = notes.getInt();
            String owner = text(part(notes, nameBytes));
            ByteBuffer content = part(notes, contentBytes);
            if (type == VERSION && owner.equals(OWNER)) {
                probes.add(probe(content, base));
            }
        }
    }

    private static ByteBuffer part(ByteBuffer notes, int bytes) {
        ByteBuffer part = notes.slice(notes.position(), bytes).order(ByteOrder.LITTLE_ENDIAN);
        int next = notes.position() + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        notes.position(Math.min(next, notes.limit()));
        return part;
    }

    /** The linker moves sections together; a prelinked file tells by its base how far the noted addresses are off. */
    private static StaticProbe probe(ByteBuffer content, Optional<ElfVirtualAddress> base) {
        long location = content.getLong();
        long notedBase = content.getLong();
        long semaphore = content.getLong();
        long shift = base.map(actual -> actual.value() - notedBase).orElse(0L);
        String provider = text(content);
        String name = text(content);
        return new StaticProbe(
                provider,
                name,
                new ElfVirtualAddress(location + shift),
                semaphore == 0 ? Optional.empty() : Optional.of(new ElfVirtualAddress(semaphore + shift)),
                text(content));
    }

    private static String text(ByteBuffer bytes) {
        int start = bytes.position();
        int length = 0;
        while (bytes.hasRemaining() && bytes.get() != 0) {
            length++;
        }
        byte[] text = new byte[length];
        bytes.get(start, text);
        return new String(text, StandardCharsets.UTF_8);
    }
}
