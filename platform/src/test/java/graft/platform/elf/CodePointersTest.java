package graft.platform.elf;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Places in a file that lead into the middle of functions. */
class CodePointersTest {
    private static final Path LIBSTDCXX = Path.of("/usr/lib/x86_64-linux-gnu/libstdc++.so.6");

    private static final String TABLE_OF_POINTERS = """
            int a, b;
            int *pointers[200] = {&a, &b, 0, &a, 0, 0, &b, [70] = &a, [150] = &b, [199] = &a};
            int main(void) { return *pointers[0]; }
            """;

    private static final String CATCHES_TWICE = """
            extern void risky(int);
            struct Guard { ~Guard(); };
            Guard::~Guard() { risky(0); }
            int careful(int n) {
                Guard guard;
                try { risky(n); } catch (int) { return 1; } catch (...) { return 2; }
                return 0;
            }
            """;

    @TempDir
    private Path folder;

    @Test
    void landingPadsOfARealLibraryAreInstructionsOfItsFunctions() {
        try (ElfFile library = ElfFile.open(LIBSTDCXX)) {
            Set<ElfVirtualAddress> pads = Set.copyOf(library.landingPads());
            assertThat(pads).hasSizeGreaterThan(1000);

            int inside = 0;
            for (ElfVirtualAddress pad : pads) {
                var function = library.functions().containing(pad);
                if (function.isPresent() && function.get().size() > 0) {
                    assertThat(boundaries(library, function.get())).contains(pad.value());
                    inside++;
                }
            }
            assertThat(inside).isGreaterThan(300);
        }
    }

    @Test
    void landingPadsAreWhereTheCompilerPutThem() throws Exception {
        Path source = Files.writeString(folder.resolve("pads.cc"), CATCHES_TWICE);
        Path assembly = folder.resolve("pads.s");
        run("g++", "-O2", "-S", "-fno-asynchronous-unwind-tables", "-o", assembly.toString(), source.toString());
        // The compiler's own labels of the landing pads become symbols.
        String text = Files.readString(assembly);
        Set<String> labels = new TreeSet<>();
        for (String line : text.split("\n")) {
            var site = java.util.regex.Pattern.compile("\\.uleb128 (\\.L\\d+)-\\.L\\w+")
                    .matcher(line);
            if (site.find()) {
                labels.add(site.group(1));
            }
        }
        assertThat(labels).isNotEmpty();
        for (String label : labels) {
            text = text.replaceAll(java.util.regex.Pattern.quote(label) + "\\b", "pad" + label.substring(2));
        }
        Files.writeString(assembly, text);
        Path library = folder.resolve("libpads.so");
        run("g++", "-shared", "-nostdlib", "-o", library.toString(), assembly.toString());

        try (ElfFile file = ElfFile.open(library)) {
            List<ElfVirtualAddress> expected = file.symbols(SymbolTable.STATIC).stream()
                    .filter(symbol -> symbol.name().matches("pad\\d+"))
                    .map(ElfSymbol::value)
                    .distinct()
                    .sorted(java.util.Comparator.comparingLong(ElfVirtualAddress::value))
                    .toList();
            assertThat(file.landingPads()).isEqualTo(expected).hasSizeGreaterThan(1);
        }
    }

    @Test
    void packedRelocationsNameTheSamePlacesAsPlainOnes() throws Exception {
        Path source = Files.writeString(folder.resolve("pointers.c"), TABLE_OF_POINTERS);
        Path plain = folder.resolve("plain");
        Path packed = folder.resolve("packed");
        run("gcc", "-pie", "-o", plain.toString(), source.toString());
        run("gcc", "-pie", "-Wl,-z,pack-relative-relocs", "-o", packed.toString(), source.toString());

        try (ElfFile file = ElfFile.open(packed);
                ElfFile reference = ElfFile.open(plain)) {
            ElfSection relr = file.section(".relr.dyn").orElseThrow();
            assertThat(offsets(file, file.packedRelocations(relr)))
                    .containsExactly(0L, 8L, 24L, 48L, 560L, 1200L, 1592L)
                    .isEqualTo(offsets(reference, relative(reference)));
        }
    }

    private static List<ElfVirtualAddress> relative(ElfFile file) {
        return file.relocations(file.section(".rela.dyn").orElseThrow()).stream()
                .filter(relocation -> relocation.type() == 8)
                .map(relocation -> new ElfVirtualAddress(relocation.offset()))
                .toList();
    }

    /** Distances from the start of {@code pointers}, of places inside it. */
    private static List<Long> offsets(ElfFile file, List<ElfVirtualAddress> places) {
        ElfSymbol table = file.symbols(SymbolTable.STATIC).stream()
                .filter(symbol -> symbol.name().equals("pointers"))
                .findFirst()
                .orElseThrow();
        return places.stream()
                .map(place -> place.value() - table.value().value())
                .filter(offset -> offset >= 0 && offset < table.size())
                .sorted()
                .toList();
    }

    private static List<Long> boundaries(ElfFile file, ElfSymbol function) {
        byte[] code = file.bytesAt(function.value(), (int) function.size());
        List<Long> boundaries = new ArrayList<>();
        int at = 0;
        while (at < code.length) {
            long address = function.value().value() + at;
            boundaries.add(address);
            if (!(X64Decoder.decode(code, at, function.value().loadedWith(at)) instanceof X64Insn insn)) {
                return boundaries;
            }
            at += insn.length();
        }
        return boundaries;
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }
}
