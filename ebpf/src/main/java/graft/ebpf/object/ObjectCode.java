package graft.ebpf.object;

import graft.ebpf.insn.Wide;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfRelocation;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The code sections of an object: functions, and what their instructions refer to. */
final class ObjectCode {
    private static final int SLOT = 8;

    private final ElfFile elf;
    private final BtfExt ext;
    private final References references;
    private final List<ElfSymbol> symbols;
    private final Map<Integer, ByteBuffer> code = new HashMap<>();
    private final Map<Integer, Map<Long, ElfSymbol>> relocations = new HashMap<>();
    private final Map<Place, String> poisons = new HashMap<>();
    private final Map<Place, Function> functions = new HashMap<>();

    private record Place(int section, long offset) {}

    /** A function: where its code is. */
    record Function(String name, ElfSection section, int offset, int size, ElfSymbol.Binding binding) {}

    ObjectCode(ElfFile elf, BtfExt ext, CoreRelocator relocator, References references) {
        this.elf = elf;
        this.references = references;
        this.ext = ext;
        this.symbols = elf.symbols(SymbolTable.STATIC);
        for (ElfSection section : elf.sections()) {
            if (section.has(ElfSection.EXECUTE) && section.type() == ElfSection.PROGBITS) {
                code.put(section.index(), ByteBuffer.wrap(elf.content(section)).order(ByteOrder.LITTLE_ENDIAN));
            }
        }
        elf.sections().stream()
                .filter(section -> code.containsKey(section.index()))
                .forEach(section -> relocateCore(section, relocator));
        for (ElfSection section : elf.sections()) {
            if (section.type() == ElfSection.REL && code.containsKey(section.info())) {
                readRelocations(section);
            }
        }
        symbols.stream().filter(s -> s.type() == ElfSymbol.Type.FUNCTION).forEach(this::addFunction);
    }

    private void readRelocations(ElfSection section) {
        Map<Long, ElfSymbol> bySlot = relocations.computeIfAbsent(section.info(), _ -> new HashMap<>());
        for (ElfRelocation relocation : elf.relocations(section)) {
            if (relocation.symbol() < 0 || relocation.symbol() >= symbols.size()) {
                throw bad(section.name(), "no symbol " + relocation.symbol());
            }
            bySlot.put(relocation.offset(), symbols.get(relocation.symbol()));
        }
    }

    private void addFunction(ElfSymbol symbol) {
        ByteBuffer bytes = code.get(symbol.section());
        if (bytes == null) {
            return;
        }
        long start = symbol.value().value();
        long size = symbol.size();
        if (start < 0 || size <= 0 || start % SLOT != 0 || size % SLOT != 0 || start > bytes.limit() - size) {
            throw bad(symbol.name(), "the function is not inside its section");
        }
        ElfSection section = elf.sections().get(symbol.section());
        functions.putIfAbsent(
                new Place(symbol.section(), start),
                new Function(symbol.name(), section, (int) start, (int) size, symbol.binding()));
    }

    /** Functions of program sections in file order: everything outside {@code .text} that is not static. */
    List<Function> entries() {
        return functions.values().stream()
                .filter(function ->
                        !function.section.name().startsWith(".text") && function.binding != ElfSymbol.Binding.LOCAL)
                .sorted(Comparator.comparingInt((Function f) -> f.section.index())
                        .thenComparingInt(Function::offset))
                .toList();
    }

    ByteBuffer code(Function function) {
        return code.get(function.section.index());
    }

    Optional<ElfSymbol> relocation(Function function, int at) {
        long place = (long) function.offset + at;
        return Optional.ofNullable(
                relocations.getOrDefault(function.section.index(), Map.of()).get(place));
    }

    /** Why the instruction must not run: a relocation against kernel types that could not be applied. */
    Optional<String> poison(Function function, int at) {
        return Optional.ofNullable(poisons.get(new Place(function.section.index(), function.offset + at)));
    }

    private void relocateCore(ElfSection section, CoreRelocator relocator) {
        ByteBuffer bytes = code.get(section.index());
        ext.cores().getOrDefault(section.name(), new TreeMap<>()).forEach((offset, core) -> {
            if (offset < 0 || offset % SLOT != 0 || offset + SLOT > bytes.limit()) {
                throw bad(section.name(), "CO-RE record for offset " + offset);
            }
            CorePatch patch = new CorePatch(bytes, offset);
            Optional<String> poison = switch (relocator.value(core)) {
                case CoreValue.Known known -> patch.apply(known);
                case CoreValue.Unknown(var why) -> Optional.of(why);
            };
            poison.ifPresent(why -> {
                poisons.put(new Place(section.index(), offset), why);
                if (patch.isWide()) {
                    poisons.put(new Place(section.index(), offset + SLOT), why);
                }
            });
        });
    }

    List<Function> callees(Function function) {
        Set<Function> found = new LinkedHashSet<>();
        for (int at = 0; at < function.size; at += SLOT) {
            callee(function, at).ifPresent(found::add);
        }
        return new ArrayList<>(found);
    }

    /** The function that a call or an address load names. */
    Optional<Function> callee(Function function, int at) {
        ByteBuffer bytes = code(function);
        int place = function.offset + at;
        int opcode = bytes.get(place) & 0xff;
        long imm = bytes.getInt(place + 4);
        Optional<ElfSymbol> symbol = relocation(function, at);
        if (opcode == 0x85 && (bytes.get(place + 1) >> 4 & 0xf) == 1) {
            if (symbol.isEmpty()) {
                return Optional.of(function(function, function.section.index(), place + (imm + 1) * SLOT));
            }
            ElfSymbol target = symbol.get();
            long base = target.value().value();
            boolean whole = target.type() == ElfSymbol.Type.SECTION;
            return target.isDefined()
                    ? Optional.of(function(function, target.section(), whole ? base + (imm + 1) * SLOT : base))
                    : Optional.empty();
        }
        if (opcode == 0x18
                && symbol.isPresent()
                && code.containsKey(symbol.get().section())) {
            ElfSymbol target = symbol.get();
            return Optional.of(
                    function(function, target.section(), target.value().value() + imm));
        }
        return Optional.empty();
    }

    private Function function(Function from, int section, long offset) {
        Function found = functions.get(new Place(section, offset));
        if (found == null) {
            throw bad(
                    from.name,
                    "it refers to code at 0x%x of section %d, where no function begins".formatted(offset, section));
        }
        return found;
    }

    /** What the kernel calls a function that this object only declares; nothing when it has none. */
    Optional<String> kernelFunction(ElfSymbol symbol) {
        return references.functions().named(symbol);
    }

    /** The map or symbol that an address load names. */
    Optional<Wide> reference(Function function, int at) {
        int imm = code(function).getInt(function.offset + at + 4);
        return relocation(function, at).map(symbol -> references.of(function.name, symbol, imm));
    }

    private static RefusedException bad(String where, String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_RELOCATION, where, why, "compile with clang -g -O2 -target bpf");
    }
}
