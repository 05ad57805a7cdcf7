package graft.rewriter.plan;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The labels that compilers put into jump tables are all seen as targets. */
class SwitchTargetsTest {
    private static final Pattern ENTRY = Pattern.compile("\\s\\.(?:long|quad)\\s+(\\.L\\w+)");

    private static final String SOURCE = """
            extern void die(int) __attribute__((cold, noreturn));
            extern int use(int, int);
            int dense(int n, int v) {
                switch (n) {
                case 0: return use(v, 3); case 1: return v * 7 + use(1, v); case 2: v += use(v, v); break;
                case 3: v ^= use(2, v); break; case 4: return v / 3; case 5: v -= use(9, v); break;
                case 6: return use(v, 1) - v; case 7: v = use(v, n) * 3; break; default: return -1;
                }
                return use(v, n);
            }
            int cold_first(int n, int v) {
                switch (n) {
                case 0: die(v); case 1: v += use(1, v); break; case 2: v -= use(v, 2); break;
                case 3: die(v + 1); case 4: v *= use(v, 4); break; case 5: v ^= use(5, v); break;
                case 6: v += 3 * use(6, v); break; case 7: die(v + 2);
                }
                return v;
            }
            int twice(int n, int m, int v) {
                switch (n) {
                case 0: v = use(v, 1); break; case 1: v += use(3, v); break; case 2: v -= use(v, 4); break;
                case 3: v ^= use(5, v); break; case 4: v *= use(6, v); break; case 5: v = use(v, 7) + 1; break;
                }
                switch (m) {
                case 10: return use(v, 1); case 11: v += use(v, 3); break; case 12: v -= use(9, v); break;
                case 13: v ^= use(5, v); break; case 14: v *= use(2, v); break; case 15: v = use(7, v) + 1; break;
                }
                return v;
            }
            int interpret(const unsigned char *code, int v) {
                static const void *const labels[] = {&&stop, &&add, &&sub, &&mul, &&twice};
                goto *labels[*code++];
            add: v = use(v, 1); goto *labels[*code++];
            sub: v -= use(2, v); goto *labels[*code++];
            mul: v *= use(v, 3); goto *labels[*code++];
            twice: v += use(v, v); goto *labels[*code++];
            stop: return v;
            }
            int distances(const unsigned char *code, int v) {
                static const int labels[] = {&&stop - &&stop, &&add - &&stop, &&sub - &&stop, &&mul - &&stop};
                goto *(&&stop + labels[*code++]);
            add: v = use(v, 1); goto *(&&stop + labels[*code++]);
            sub: v -= use(2, v); goto *(&&stop + labels[*code++]);
            mul: v *= use(v, 3); goto *(&&stop + labels[*code++]);
            stop: return v;
            }
            """;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "gcc, -O0",
        "gcc, -O1",
        "gcc, -O2",
        "gcc, -O3",
        "gcc, -Os",
        "clang, -O0",
        "clang, -O1",
        "clang, -O2",
        "clang, -Os"
    })
    void everyLabelOfATableIsATarget(String compiler, String level) throws Exception {
        Path library = compile(compiler, level);
        try (ElfFile file = ElfFile.open(library)) {
            List<ElfSymbol> symbols = file.symbols(SymbolTable.STATIC);
            List<FunctionRange> functions = symbols.stream()
                    .filter(symbol -> Set.of("dense", "cold_first", "twice", "interpret", "distances")
                            .contains(symbol.name()))
                    .map(symbol -> new FunctionRange(symbol.name(), at(symbol.value()), (int) symbol.size()))
                    .toList();
            TargetIndex index = new TargetIndex(module(file));
            int seen = 0;
            for (ElfSymbol label : symbols) {
                if (!label.name().startsWith("case_")) {
                    continue;
                }
                RemoteAddress place = at(label.value());
                for (FunctionRange function : functions) {
                    if (function.contains(place) && !place.equals(function.start())) {
                        Optional<String> target = index.targetInside(function, place.plus(-1), place.plus(1));
                        assertThat(target)
                                .as(function.name() + " " + label.name())
                                .isPresent();
                        seen++;
                    }
                }
            }
            assertThat(seen).isGreaterThan(15);
            FunctionRange dense = functions.stream()
                    .filter(function -> function.name().equals("dense"))
                    .findFirst()
                    .orElseThrow();
            // The whole point of reading tables: what is not in one stays free.
            assertThat(index.targetInside(dense, dense.start(), dense.start().plus(2)))
                    .isEmpty();
        }
    }

    /** The labels in tables become symbols, so that the linked file says where they are. */
    private Path compile(String compiler, String level) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("switches.c"), SOURCE);
        Path assembly = folder.resolve("switches.s");
        run(compiler, level, "-fPIC", "-S", "-w", "-o", assembly.toString(), source.toString());
        String text = Files.readString(assembly);
        Set<String> labels = new TreeSet<>();
        Matcher entry = ENTRY.matcher(text);
        while (entry.find()) {
            labels.add(entry.group(1));
        }
        for (String label : labels) {
            text = text.replaceAll(Pattern.quote(label) + "\\b", "case_" + label.substring(2));
        }
        Files.writeString(assembly, text);
        Path library = folder.resolve("libswitches.so");
        run(compiler, "-shared", "-nostdlib", "-o", library.toString(), assembly.toString());
        return library;
    }

    private static ModuleText module(ElfFile file) {
        ElfSection text = file.section(".text").orElseThrow();
        List<RemoteAddress> functions = file.functions().all().stream()
                .filter(symbol -> !symbol.name().startsWith("case_"))
                .map(symbol -> at(symbol.value()))
                .distinct()
                .toList();
        List<RemoteAddress> pointed = file.section(".rela.dyn").stream()
                .flatMap(section -> file.relocations(section).stream())
                .map(relocation -> new RemoteAddress(relocation.addend()))
                .distinct()
                .sorted()
                .toList();
        return new ModuleText(
                "libswitches.so",
                file.content(text),
                at(text.address()),
                functions,
                pointed,
                (address, length) -> data(file, address, length),
                Set.of());
    }

    private static byte[] data(ElfFile file, RemoteAddress address, int length) {
        for (int size = length; size > 0; size -= Integer.BYTES) {
            try {
                return file.bytesAt(new ElfVirtualAddress(address.value()), size);
            } catch (ElfFormatException _) {
                // The file has less than that.
            }
        }
        return new byte[0];
    }

    private static RemoteAddress at(ElfVirtualAddress address) {
        return new RemoteAddress(address.value());
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }
}
