package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfFormatException;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfHeader;
import graft.platform.elf.ElfSection;
import graft.platform.elf.SymbolTable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Reads eBPF ELF objects as clang writes them. Bad input is refused with a reason; nothing else is thrown. */
public final class ObjectLoader {
    /** In all programs of an object; overlapping functions of a crafted object must not fill the memory. */
    private static final long MAX_SLOTS = 4_000_000;

    private final String origin;
    private final KernelFacts kernel;
    private final List<String> notes = new ArrayList<>();

    private ObjectLoader(String origin, KernelFacts kernel) {
        this.origin = origin;
        this.kernel = kernel;
    }

    /**
     * Reads an object.
     *
     * @param origin where the bytes come from, for messages
     */
    public static LoadResult load(String origin, byte[] bytes) {
        return load(origin, bytes, KernelFacts.NONE);
    }

    /**
     * Reads an object whose CO-RE records refer to kernel types.
     *
     * @param kernelTypes the running kernel's BTF, asked for only when the object needs it; without it, instructions
     *     that depend on it become {@link graft.ebpf.insn.Insn.Poison}
     */
    public static LoadResult load(String origin, byte[] bytes, Supplier<Optional<Btf>> kernelTypes) {
        return load(origin, bytes, KernelFacts.ofTypes(kernelTypes));
    }

    /** Reads an object that may ask about the kernel: its types, its configuration. */
    public static LoadResult load(String origin, byte[] bytes, KernelFacts kernel) {
        try {
            ObjectLoader loader = new ObjectLoader(origin, kernel);
            return new LoadResult.Loaded(loader.read(ElfFile.of(origin, bytes)), List.copyOf(loader.notes));
        } catch (ElfFormatException e) {
            return new LoadResult.Refused(
                    LoadResult.Reason.NOT_AN_OBJECT,
                    origin,
                    e.getMessage(),
                    "give an object made by clang -target bpf");
        } catch (BtfFormatException e) {
            return new LoadResult.Refused(
                    LoadResult.Reason.BAD_BTF, origin, e.getMessage(), "compile with clang -g -target bpf");
        } catch (RefusedException e) {
            return e.refusal();
        }
    }

    private CollectionSpec read(ElfFile elf) {
        if (elf.header().machine() != ElfHeader.BPF || elf.header().type() != ElfHeader.RELOCATABLE) {
            throw new RefusedException(
                    LoadResult.Reason.WRONG_MACHINE, origin, "not an eBPF object", "compile with clang -target bpf");
        }
        Optional<byte[]> raw = elf.section(".BTF")
                .map(elf::content)
                .map(types -> HiddenFunctions.asStatic(types, elf))
                .map(types -> DataPlaces.filled(types, elf));
        Optional<Btf> btf = raw.map(Btf::parse);
        BtfExt ext = btf.map(types -> BtfExt.read(elf, types)).orElseGet(BtfExt::none);
        MapSymbols symbols = MapSymbols.of(elf);
        MapReader reader = new MapReader(elf, btf, symbols, notes);
        Map<String, MapSpec> maps = reader.read();
        CoreRelocator relocator = new CoreRelocator(
                btf.orElseGet(Btf::none), ext.cores().isEmpty() ? List.of() : kernel.targets(), kernel.modules());
        Externs externs = new Externs(btf, kernel, elf.symbols(SymbolTable.STATIC));
        externs.map().ifPresent(map -> maps.put(map.name(), map));
        ObjectCode code = new ObjectCode(
                elf,
                ext,
                relocator,
                new References(elf, symbols, externs, new KernelFunctions(btf, kernel), ArenaData.arena(maps)));
        String license =
                elf.section("license").map(elf::content).map(ObjectLoader::text).orElse("");
        Map<String, ProgSpec> programs = new LinkedHashMap<>();
        long slots = 0;
        for (ObjectCode.Function entry : code.entries()) {
            ProgramLinker.Linked linked = linked(code, entry);
            slots += linked.insns().slots();
            if (slots > MAX_SLOTS) {
                throw new RefusedException(
                        LoadResult.Reason.BAD_INSTRUCTION, origin, "too many instructions in all", "split the object");
            }
            SectionName name = SectionName.of(entry.section().name());
            programs.put(
                    entry.name(),
                    new ProgSpec(
                            entry.name(),
                            entry.section().name(),
                            name.type(),
                            name.target(),
                            linked.insns(),
                            functions(linked, ext),
                            btf.map(types -> lines(linked, ext, types)).orElse(List.of()),
                            license));
        }
        if (programs.isEmpty()) {
            throw new RefusedException(
                    LoadResult.Reason.NO_PROGRAMS, origin, "no program in it", "mark functions with SEC(\"uprobe/…\")");
        }
        return new CollectionSpec(origin, maps, programs, raw.map(CollectionSpec.BtfBytes::new), reader.pinned());
    }

    /** A program with an instruction or a reference that does not exist is refused on its own, when it is verified. */
    private ProgramLinker.Linked linked(ObjectCode code, ObjectCode.Function entry) {
        try {
            return new ProgramLinker(code, entry.name()).link(entry);
        } catch (RefusedException e) {
            LoadResult.Reason reason = e.refusal().reason();
            boolean ofOneProgram =
                    reason == LoadResult.Reason.BAD_INSTRUCTION || reason == LoadResult.Reason.BAD_RELOCATION;
            if (!ofOneProgram || code.entries().size() == 1) {
                throw e;
            }
            notes.add(e.refusal().toString());
            InsnList broken = InsnList.of(new Insn.Poison(e.refusal().why()), new Insn.Exit());
            return new ProgramLinker.Linked(broken, Map.of(entry, 0));
        }
    }

    private static String text(byte[] bytes) {
        String all = new String(bytes, StandardCharsets.UTF_8);
        int end = all.indexOf('\0');
        return end < 0 ? all : all.substring(0, end);
    }

    private static List<ProgSpec.Function> functions(ProgramLinker.Linked linked, BtfExt ext) {
        List<ProgSpec.Function> functions = new ArrayList<>();
        linked.firstSlots().forEach((function, slot) -> {
            int type = records(ext.functions(), function.section()).getOrDefault(function.offset(), 0);
            functions.add(new ProgSpec.Function(function.name(), slot, function.size() / 8, type));
        });
        return List.copyOf(functions);
    }

    private static List<ProgSpec.SourceLine> lines(ProgramLinker.Linked linked, BtfExt ext, Btf btf) {
        List<ProgSpec.SourceLine> lines = new ArrayList<>();
        linked.firstSlots().forEach((function, slot) -> {
            SortedMap<Integer, BtfExt.Line> inside = records(ext.lines(), function.section())
                    .subMap(function.offset(), function.offset() + function.size());
            inside.forEach((offset, line) -> lines.add(new ProgSpec.SourceLine(
                    slot + (offset - function.offset()) / 8,
                    btf.string(line.file()),
                    line.line(),
                    btf.string(line.text()).strip())));
        });
        return List.copyOf(lines);
    }

    private static <T> TreeMap<Integer, T> records(Map<String, TreeMap<Integer, T>> all, ElfSection section) {
        return Optional.ofNullable(all.get(section.name())).orElseGet(TreeMap::new);
    }
}
