package graft.uprobe;

import graft.platform.address.RemoteAddress;
import graft.platform.elf.DebugFiles;
import graft.platform.elf.ElfFormatException;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessMaps;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * The executable files that a process has mapped, as they were when read. Files are opened when first asked for and
 * closed together.
 */
public final class TargetModules implements AutoCloseable {
    private static final int LOOKS = 20;
    private static final long BETWEEN_LOOKS_NANOS = 1_000_000;

    private final ProcessMaps maps;
    private final Map<String, List<MemoryMapping>> text;
    private final Map<String, Optional<TargetModule>> opened = new LinkedHashMap<>();
    private final DebugFiles debugFiles;
    private final String executable;

    private TargetModules(ProcessMaps maps, String executable) {
        this.maps = maps;
        this.executable = executable;
        this.debugFiles = DebugFiles.below(Path.of("/proc/" + maps.pid() + "/root"));
        this.text = new LinkedHashMap<>();
        for (MemoryMapping mapping : maps.mappings()) {
            if (mapping.isFile() && mapping.isExecutable()) {
                text.computeIfAbsent(mapping.path().orElseThrow(), _ -> new ArrayList<>())
                        .add(mapping);
            }
        }
    }

    /** @throws graft.platform.proc.NoSuchProcessException when there is no such process */
    public static TargetModules of(int pid) {
        // While a thread that is not the first executes a program, the first has ended, and the process shows nothing.
        for (int look = 1; ; look++) {
            ProcessMaps maps = ProcessMaps.of(pid);
            try {
                return new TargetModules(maps, executableOf(pid));
            } catch (UncheckedIOException failed) {
                maps.requireProcess();
                if (look == LOOKS) {
                    throw failed;
                }
                LockSupport.parkNanos(BETWEEN_LOOKS_NANOS);
            }
        }
    }

    private static String executableOf(int pid) {
        try {
            String link =
                    Files.readSymbolicLink(Path.of("/proc/" + pid + "/exe")).toString();
            return link.endsWith(" (deleted)") ? link.substring(0, link.length() - " (deleted)".length()) : link;
        } catch (IOException e) {
            throw new UncheckedIOException("reading the executable's name of process " + pid, e);
        }
    }

    /** The address space they come from. */
    public ProcessMaps maps() {
        return maps;
    }

    public int pid() {
        return maps.pid();
    }

    DebugFiles debugFiles() {
        return debugFiles;
    }

    /** The paths of all executable files, in the order of their addresses. */
    public List<String> paths() {
        return List.copyOf(text.keySet());
    }

    /** The main executable. */
    public Optional<TargetModule> executable() {
        return open(executable);
    }

    /**
     * The module that people mean by {@code name}: nothing for the executable, a path, a file name, or the end of a
     * path. A file name without version ({@code libssl.so}) names the versioned file that is mapped.
     */
    public Optional<TargetModule> named(String name) {
        if (name.isEmpty()) {
            return executable();
        }
        if (name.startsWith("./")) {
            return named(name.substring(2));
        }
        return exact(name).or(() -> byFileName(name)).flatMap(this::open);
    }

    private Optional<String> exact(String name) {
        if (text.containsKey(name)) {
            return Optional.of(name);
        }
        if (!name.startsWith("/")) {
            return Optional.empty();
        }
        try {
            String real =
                    Path.of("/proc/" + pid() + "/root" + name).toRealPath().toString();
            String inTarget = real.startsWith("/proc/" + pid() + "/root")
                    ? real.substring(("/proc/" + pid() + "/root").length())
                    : real;
            return text.containsKey(inTarget) ? Optional.of(inTarget) : Optional.empty();
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private Optional<String> byFileName(String name) {
        return text.keySet().stream()
                .filter(path -> path.endsWith("/" + name) || fileName(path).startsWith(name + "."))
                .findFirst();
    }

    private static String fileName(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** The module whose text holds {@code address}. */
    public Optional<TargetModule> holding(RemoteAddress address) {
        return maps.containing(address)
                .filter(mapping -> mapping.isFile() && mapping.isExecutable())
                .flatMap(mapping -> open(mapping.path().orElseThrow()));
    }

    private Optional<TargetModule> open(String path) {
        List<MemoryMapping> mappings = text.get(path);
        if (mappings == null) {
            return Optional.empty();
        }
        return opened.computeIfAbsent(path, _ -> openFile(path, mappings));
    }

    private boolean isForUs(Path openable) {
        if (!openable.getParent().endsWith("map_files") || Files.isReadable(openable)) {
            return true;
        }
        maps.requireProcess(); // of one that has ended nothing can be opened
        return false;
    }

    /** None when only the kernel still knows the file, and does not let this user have it: files without a name. */
    private Optional<TargetModule> openFile(String path, List<MemoryMapping> mappings) {
        try {
            return maps.openablePath(mappings.getFirst())
                    .filter(this::isForUs)
                    .map(openable -> TargetModule.open(path, openable, mappings));
        } catch (ElfFormatException _) {
            return Optional.empty();
        } catch (UncheckedIOException failed) {
            maps.requireProcess();
            throw failed;
        }
    }

    @Override
    public void close() {
        opened.values().forEach(module -> module.ifPresent(TargetModule::close));
    }
}
