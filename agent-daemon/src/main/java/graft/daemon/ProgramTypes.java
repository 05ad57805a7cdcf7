package graft.daemon;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfFormatException;
import graft.ebpf.btf.dwarf.DwarfTypes;
import graft.platform.elf.DebugFiles;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Types of traced programs, which CO-RE looks through before the kernel's. */
public final class ProgramTypes {
    private static final Path ROOT = Path.of("/");
    private static final int MAGIC = 0x9f;

    private ProgramTypes() {}

    /** The outcome of reading a file that somebody names. */
    public sealed interface Reading {
        /** Its types. */
        record Read(Btf types) implements Reading {}

        /** It has none, and why. */
        record Missing(String why) implements Reading {}
    }

    /**
     * The types in {@code file}: BTF as it is, the section {@code .BTF} of an ELF file, or what its debug information says,
     * which may be in a separate file.
     */
    public static Reading of(Path file) {
        try {
            if (isBtf(file)) {
                return new Reading.Read(Btf.parse(Files.readAllBytes(file)));
            }
            try (ElfFile elf = ElfFile.open(file)) {
                return section(elf)
                        .or(() -> DwarfTypes.of(elf))
                        .or(() -> separate(elf, file))
                        .<Reading>map(Reading.Read::new)
                        .orElseGet(() -> new Reading.Missing("it has no BTF and no debug information"));
            }
        } catch (IOException | UncheckedIOException e) {
            return new Reading.Missing("it cannot be read: " + e.getMessage());
        } catch (ElfFormatException | BtfFormatException e) {
            return new Reading.Missing(e.getMessage());
        }
    }

    private static boolean isBtf(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in.read() == MAGIC;
        }
    }

    private static Optional<Btf> section(ElfFile elf) {
        return elf.section(".BTF").map(elf::content).map(Btf::parse);
    }

    private static Optional<Btf> separate(ElfFile elf, Path file) {
        return DebugFiles.below(ROOT).find(elf, file.toAbsolutePath()).flatMap(path -> {
            try (ElfFile debug = ElfFile.open(path)) {
                return DwarfTypes.of(debug);
            }
        });
    }

    /** The sections {@code .BTF} of a process's program and libraries; a process that is gone has none. */
    public static List<Btf> inProcess(int pid) {
        List<Btf> found = new ArrayList<>();
        try (TargetModules modules = TargetModules.of(pid)) {
            for (String path : modules.paths()) {
                modules.named(path).map(TargetModule::elf).ifPresent(elf -> add(elf, found));
            }
        } catch (NoSuchProcessException | SysException | UncheckedIOException _) {
            // Whoever attaches to the process says so.
        }
        return List.copyOf(found);
    }

    private static void add(ElfFile elf, List<Btf> found) {
        try {
            section(elf).ifPresent(found::add);
        } catch (ElfFormatException | BtfFormatException _) {
            // A damaged section is as good as none.
        }
    }
}
