package graft.daemon.image;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfHeader;
import graft.platform.elf.ElfRelocation;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSegment;
import graft.platform.elf.ElfSymbol;
import graft.rewriter.plan.ModuleText;
import graft.uprobe.TargetModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Reads from a module's file what the planner must know of its text. */
public final class ModuleTexts {
    private static final int R_X86_64_64 = 1;
    private static final int R_X86_64_RELATIVE = 8;
    private static final int R_X86_64_IRELATIVE = 37;

    private final String name;
    private final ElfFile elf;
    private final long loadBias;
    private List<ElfVirtualAddress> landingPads = List.of();
    private boolean padsUnread;

    private ModuleTexts(String name, ElfFile elf, long loadBias) {
        this.name = name;
        this.elf = elf;
        this.loadBias = loadBias;
        try {
            this.landingPads = elf.landingPads();
        } catch (ElfFormatException _) {
            this.padsUnread = true;
        }
    }

    /** The executable range of {@code module} that holds {@code address}. */
    static ModuleText holding(TargetModule module, RemoteAddress address) {
        ModuleTexts texts = new ModuleTexts(module.fileName(), module.elf(), module.loadBias());
        ElfVirtualAddress wanted = module.virtual(address);
        ElfSegment segment = executable(module.elf())
                .filter(candidate -> holds(candidate, wanted.value()))
                .findFirst()
                .orElseThrow(() -> new AssertionError(address + " is not in the text of " + module));
        return texts.read(segment);
    }

    /**
     * The executable ranges of a file, as if it were loaded.
     *
     * @param loadBias what is added to the file's addresses
     */
    public static List<ModuleText> all(String name, ElfFile elf, long loadBias) {
        ModuleTexts texts = new ModuleTexts(name, elf, loadBias);
        return executable(elf).map(texts::read).toList();
    }

    private static Stream<ElfSegment> executable(ElfFile elf) {
        return elf.segments().stream().filter(segment -> segment.type() == ElfSegment.LOAD && segment.isExecutable());
    }

    private static boolean holds(ElfSegment segment, long address) {
        long start = segment.address().value();
        return address >= start && address < start + segment.fileSize();
    }

    private RemoteAddress remote(ElfVirtualAddress address) {
        return address.loadedWith(loadBias);
    }

    private ModuleText read(ElfSegment segment) {
        return new ModuleText(
                name,
                elf.bytesAt(segment.address(), (int) segment.fileSize()),
                remote(segment.address()),
                functions(),
                pointed(),
                this::data,
                traits());
    }

    private List<RemoteAddress> functions() {
        return elf.functions().all().stream()
                .map(ElfSymbol::value)
                .distinct()
                .map(this::remote)
                .toList();
    }

    private List<RemoteAddress> pointed() {
        Set<RemoteAddress> pointed = new TreeSet<>();
        pointed.add(remote(elf.header().entry()));
        for (ElfSection section : elf.sections()) {
            if (section.type() == ElfSection.RELA) {
                elf.relocations(section).forEach(relocation -> addTarget(relocation, pointed));
            } else if (section.type() == ElfSection.RELR) {
                elf.packedRelocations(section).forEach(place -> addWord(place, pointed));
            }
        }
        if (elf.header().type() == ElfHeader.EXECUTABLE) {
            // Linked for a fixed address: pointers need no relocation, so every aligned word may be one.
            elf.sections().stream()
                    .filter(section -> section.type() == ElfSection.PROGBITS
                            && section.has(ElfSection.ALLOC)
                            && !section.has(ElfSection.EXECUTE))
                    .forEach(section -> addWords(section, executable(elf).toList(), pointed));
        }
        landingPads.forEach(pad -> pointed.add(remote(pad)));
        return List.copyOf(pointed);
    }

    private void addWord(ElfVirtualAddress place, Set<RemoteAddress> pointed) {
        ByteBuffer word = ByteBuffer.wrap(read(place, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        if (word.remaining() == Long.BYTES) {
            pointed.add(remote(new ElfVirtualAddress(word.getLong())));
        }
    }

    private void addTarget(ElfRelocation relocation, Set<RemoteAddress> pointed) {
        boolean address = relocation.type() == R_X86_64_RELATIVE
                || relocation.type() == R_X86_64_IRELATIVE
                || relocation.type() == R_X86_64_64;
        if (address) {
            pointed.add(remote(new ElfVirtualAddress(relocation.addend())));
        }
    }

    /** Millions of words in a large program, nearly all of which point nowhere: no streams, no objects for those. */
    private void addWords(ElfSection section, List<ElfSegment> executable, Set<RemoteAddress> pointed) {
        long low = executable.getFirst().address().value();
        long bytes =
                executable.getLast().address().value() + executable.getLast().fileSize() - low;
        ByteBuffer words = ByteBuffer.wrap(elf.content(section)).order(ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= Long.BYTES) {
            long word = words.getLong();
            long address = word - loadBias;
            boolean near = Long.compareUnsigned(address - low, bytes) < 0;
            if (near && executable.stream().anyMatch(segment -> holds(segment, address))) {
                pointed.add(new RemoteAddress(word));
            }
        }
    }

    private Set<ModuleText.Trait> traits() {
        Set<ModuleText.Trait> traits = EnumSet.noneOf(ModuleText.Trait.class);
        if (elf.sections().size() <= 1) {
            traits.add(ModuleText.Trait.NO_SECTIONS);
        }
        if (elf.header().type() == ElfHeader.EXECUTABLE) {
            traits.add(ModuleText.Trait.FIXED_ADDRESS);
        }
        if (padsUnread) {
            traits.add(ModuleText.Trait.UNREAD_LANDING_PADS);
        }
        for (ElfSection section : elf.sections()) {
            switch (section.name()) {
                case "__rseq_cs", "__rseq_cs_ptr_array" -> traits.add(ModuleText.Trait.RESTARTABLE_SEQUENCES);
                case ".go.buildinfo", ".gopclntab" -> traits.add(ModuleText.Trait.GO);
                default -> {
                    // Any other section says nothing about jumps.
                }
            }
        }
        return traits;
    }

    private byte[] data(RemoteAddress address, int length) {
        ElfVirtualAddress start = new ElfVirtualAddress(address.value() - loadBias);
        List<ElfSegment> segments = new ArrayList<>(elf.segments());
        for (ElfSegment segment : segments) {
            long left = segment.address().value() + segment.fileSize() - start.value();
            boolean inside = segment.type() == ElfSegment.LOAD
                    && start.value() >= segment.address().value()
                    && left > 0;
            if (inside) {
                return read(start, (int) Math.min(left, length));
            }
        }
        return new byte[0];
    }

    private byte[] read(ElfVirtualAddress start, int length) {
        try {
            return elf.bytesAt(start, length);
        } catch (ElfFormatException _) {
            return new byte[0];
        }
    }
}
