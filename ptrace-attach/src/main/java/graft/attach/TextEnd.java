package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSegment;
import graft.platform.proc.MemoryMapping;
import java.nio.file.Path;
import java.util.Optional;

/** The bytes between the end of a program's text and the end of its last page, which nothing runs or reads. */
final class TextEnd {
    private static final int ALIGNMENT = 16;

    private TextEnd() {}

    /** Behind the text that holds {@code entry}, where the page has {@code size} bytes left. */
    static Optional<RemoteAddress> room(int pid, RemoteAddress entry, int size) {
        ProcMaps maps = ProcMaps.read(pid);
        Optional<MemoryMapping> text = maps.at(entry).filter(MemoryMapping::isFile);
        Optional<Path> file = text.flatMap(maps.all()::openablePath);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        try (ElfFile elf = ElfFile.open(file.get())) {
            MemoryMapping mapping = text.get();
            RemoteAddress place = new RemoteAddress(mapping.end().value() - size & -ALIGNMENT);
            return elf.segments().stream()
                    .filter(segment -> segment.type() == ElfSegment.LOAD && segment.isExecutable())
                    .map(segment -> end(segment, mapping))
                    .filter(end -> end.compareTo(mapping.start()) > 0 && end.compareTo(place) <= 0)
                    .findFirst()
                    .map(_ -> place);
        } catch (ElfFormatException _) {
            return Optional.empty();
        }
    }

    /** Where a segment ends if it begins with {@code mapping}. */
    private static RemoteAddress end(ElfSegment segment, MemoryMapping mapping) {
        return mapping.start().plus(segment.offset().value() - mapping.offset().value() + segment.memorySize());
    }
}
