package graft.uprobe;

import graft.ebpf.btf.dwarf.DwarfLines;
import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.DebugFiles;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSegment;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.proc.MemoryMapping;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A file that a process has mapped executable, and where. Owns the open file and that of its debug information; closing
 * closes both. For one thread at a time.
 */
public final class TargetModule implements AutoCloseable {
    private final String path;
    private final Path openable;
    private final ElfFile elf;
    private final long loadBias;
    private final List<MemoryMapping> text;
    private boolean debugFileSought;
    private Optional<ElfFile> debugFile = Optional.empty();

    private TargetModule(String path, Path openable, ElfFile elf, long loadBias, List<MemoryMapping> text) {
        this.path = path;
        this.openable = openable;
        this.elf = elf;
        this.loadBias = loadBias;
        this.text = List.copyOf(text);
    }

    /**
     * Opens a mapped file.
     *
     * @param text its executable mappings, ascending
     * @throws graft.platform.elf.ElfFormatException when it is no ELF file
     */
    static TargetModule open(String path, Path openable, List<MemoryMapping> text) {
        ElfFile elf = ElfFile.open(openable);
        MemoryMapping first = text.getFirst();
        ElfSegment segment = elf.segments().stream()
                .filter(candidate -> candidate.type() == ElfSegment.LOAD && candidate.isExecutable())
                .filter(candidate ->
                        pageStart(candidate.offset().value()) <= first.offset().value())
                .reduce((_, later) -> later)
                .orElseThrow(() -> new graft.platform.elf.ElfFormatException(
                        path, first.offset().value(), "it is mapped executable but has no executable segment there"));
        long bias = first.start().value()
                - first.offset().value()
                - (segment.address().value() - segment.offset().value());
        return new TargetModule(path, openable, elf, bias, text);
    }

    private static long pageStart(long offset) {
        return offset & -4096L;
    }

    /** The path as the process sees it. */
    public String path() {
        return path;
    }

    /** The path under which this process can open the file. */
    public Path openablePath() {
        return openable;
    }

    /** The last component of {@link #path()}. */
    public String fileName() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    public ElfFile elf() {
        return elf;
    }

    /** What is added to the file's addresses to get the process's. */
    public long loadBias() {
        return loadBias;
    }

    /** The executable mappings, ascending. */
    public List<MemoryMapping> text() {
        return text;
    }

    /** Where an address of the file is in the process. */
    public RemoteAddress remote(ElfVirtualAddress address) {
        return address.loadedWith(loadBias);
    }

    /** Where an address of the process is in the file. */
    public ElfVirtualAddress virtual(RemoteAddress address) {
        return new ElfVirtualAddress(address.value() - loadBias);
    }

    /** Where an address of the process is in the file, in bytes from its start. */
    public Optional<FileOffset> fileOffset(RemoteAddress address) {
        return elf.fileOffset(virtual(address));
    }

    /** Whether an address of the process is in this module's text. */
    public boolean holds(RemoteAddress address) {
        return text.stream().anyMatch(mapping -> mapping.contains(address));
    }

    /** A data or function symbol of the dynamic table, by name: where it is in the process. */
    public Optional<RemoteAddress> dynamicSymbol(String name) {
        return elf.symbols(SymbolTable.DYNAMIC).stream()
                .filter(symbol -> symbol.isDefined() && symbol.name().equals(name))
                .findFirst()
                .map(symbol -> remote(symbol.value()));
    }

    /** The functions named {@code name}: from the file, else from its separate debug file. */
    List<ElfSymbol> functionsNamed(String name, DebugFiles debugFiles) {
        List<ElfSymbol> own = elf.functions().named(name);
        return own.isEmpty()
                ? debugFile(debugFiles)
                        .map(debug -> debug.functions().named(name))
                        .orElse(List.of())
                : own;
    }

    /** All functions: of the file and of its separate debug file. */
    List<ElfSymbol> functions(DebugFiles debugFiles) {
        List<ElfSymbol> all = new ArrayList<>(elf.functions().all());
        debugFile(debugFiles).ifPresent(debug -> all.addAll(debug.functions().all()));
        return all;
    }

    /** Looked for once: a pattern asks for thousands of names. */
    private Optional<ElfFile> debugFile(DebugFiles debugFiles) {
        if (!debugFileSought) {
            debugFileSought = true;
            debugFile = debugFiles.find(elf, Path.of(path)).map(ElfFile::open);
        }
        return debugFile;
    }

    /** The function that holds {@code address}: by symbols, else by what the unwinder is told. */
    FunctionPlace functionAround(ElfVirtualAddress address, DebugFiles debugFiles) {
        return elf.functions()
                .containing(address)
                .or(() ->
                        debugFile(debugFiles).flatMap(debug -> debug.functions().containing(address)))
                .map(FunctionPlace::of)
                .or(() -> elf.functionBounds()
                        .containing(address)
                        .map(bounds -> new FunctionPlace(bounds.start().toString(), bounds.start(), bounds.size())))
                .orElseGet(() -> new FunctionPlace(address.toString(), address, 0));
    }

    /** A function of this file; one without a name is called by its address, and {@code size} is 0 if unknown. */
    record FunctionPlace(String name, ElfVirtualAddress start, long size) {
        static FunctionPlace of(ElfSymbol symbol) {
            return new FunctionPlace(symbol.name(), symbol.value(), symbol.size());
        }
    }

    /** A place in a function; nothing when the process has no code of the file there. */
    Optional<AttachPoint> point(Probe.Kind kind, FunctionPlace function, ElfVirtualAddress place) {
        RemoteAddress address = remote(place);
        return elf.fileOffset(place)
                .filter(_ -> holds(address))
                .map(offset -> new AttachPoint(
                        kind,
                        path,
                        function.name(),
                        remote(function.start()),
                        function.size(),
                        address,
                        offset,
                        Optional.empty()));
    }

    /** Source lines: of the file, else of its separate debug file. */
    Optional<DwarfLines> lines(DebugFiles debugFiles) {
        return DwarfLines.of(elf).or(() -> debugFile(debugFiles).flatMap(DwarfLines::of));
    }

    /** The symbol {@code name} of any kind, from the file or its separate debug file. */
    Optional<ElfVirtualAddress> symbol(String name, DebugFiles debugFiles) {
        return Stream.of(SymbolTable.STATIC, SymbolTable.DYNAMIC)
                .flatMap(table -> Stream.concat(
                        elf.symbols(table).stream(),
                        debugFile(debugFiles).stream().flatMap(debug -> debug.symbols(table).stream())))
                .filter(symbol -> symbol.isDefined() && symbol.name().equals(name))
                .findFirst()
                .map(ElfSymbol::value);
    }

    /** Whether the file lacks the full symbol table, so that only exported functions have names. */
    boolean isStripped(DebugFiles debugFiles) {
        return elf.symbols(SymbolTable.STATIC).isEmpty()
                && debugFile(debugFiles).isEmpty();
    }

    @Override
    public void close() {
        elf.close();
        debugFile.ifPresent(ElfFile::close);
    }

    @Override
    public String toString() {
        return path;
    }
}
