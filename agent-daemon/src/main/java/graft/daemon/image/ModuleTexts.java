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

/** Reads from a module's file what the planner must know of its text. */
final class ModuleTexts {
    private static final int R_X86_64_64 = 1;
    private static final int R_X86_64_RELATIVE = 8;
    private static final int R_X86_64_IRELATIVE = 37;

    private final TargetModule module;
    private final ElfFile elf;
    private List<ElfVirtualAddress> landingPads = List.of();
    private boolean padsUnread;

    private ModuleTexts(TargetModule module) {
        this.module = module;
        this.elf = module.elf();
        try {
            this.landingPads = elf.landingPads();
        } catch (ElfFormatException _) {
            this.padsUnread = true;
        }
    }

    /** The executable range of {@code module} that holds {@code address}. */
    static ModuleText holding(TargetModule module, RemoteAddress address) {
        return new ModuleTexts(module).read(address);
    }

    private ModuleText read(RemoteAddress address) {
        ElfVirtualAddress wanted = module.virtual(address);
        ElfSegment segment = elf.segments().stream()
                .filter(candidate -> candidate.type() == ElfSegment.LOAD && candidate.isExecutable())
                .filter(candidate -> wanted.value() >= candidate.address().value()
                        && wanted.value() < candidate.address().value() + candidate.fileSize())
                .findFirst()
                .orElseThrow(() -> new AssertionError(address + " is not in the text of " + module));
        return new ModuleText(
                module.fileName(),
                elf.bytesAt(segment.address(), (int) segment.fileSize()),
                module.remote(segment.address()),
                functions(),
                pointed(),
                this::data,
                traits());
    }

    private List<RemoteAddress> functions() {
        return elf.functions().all().stream()
                .map(ElfSymbol::value)
                .distinct()
                .map(module::remote)
                .toList();
    }

    private List<RemoteAddress> pointed() {
        Set<RemoteAddress> pointed = new TreeSet<>();
        pointed.add(module.remote(elf.header().entry()));
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
                    .forEach(section -> addWords(section, pointed));
        }
        landingPads.forEach(pad -> pointed.add(module.remote(pad)));
        return List.copyOf(pointed);
    }

    private void addWord(ElfVirtualAddress place, Set<RemoteAddress> pointed) {
        ByteBuffer word = ByteBuffer.wrap(read(place, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        if (word.remaining() == Long.BYTES) {
            pointed.add(module.remote(new ElfVirtualAddress(word.getLong())));
        }
    }

    private void addTarget(ElfRelocation relocation, Set<RemoteAddress> pointed) {
        boolean address = relocation.type() == R_X86_64_RELATIVE
                || relocation.type() == R_X86_64_IRELATIVE
                || relocation.type() == R_X86_64_64;
        if (address) {
            pointed.add(module.remote(new ElfVirtualAddress(relocation.addend())));
        }
    }

    private void addWords(ElfSection section, Set<RemoteAddress> pointed) {
        ByteBuffer words = ByteBuffer.wrap(elf.content(section)).order(ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= Long.BYTES) {
            RemoteAddress word = new RemoteAddress(words.getLong());
            if (module.holds(word)) {
                pointed.add(word);
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
        ElfVirtualAddress start = module.virtual(address);
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
