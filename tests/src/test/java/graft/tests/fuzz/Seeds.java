package graft.tests.fuzz;

import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.platform.elf.ElfFile;
import graft.tests.object.RealObjects;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Good inputs to begin with, made from this build's own objects, and bad ones that were found. */
final class Seeds {
    private static final Path ROOT = Path.of(System.getProperty("graft.root"));
    private static final List<Path> OBJECTS =
            List.of(ROOT.resolve("tests/target/test-classes/bpf"), ROOT.resolve("tools/target/classes/graft/cli/bpf"));
    private static final List<Path> PROGRAMS = Stream.of("/bin/true", "/usr/bin/env", "/usr/bin/apt-config")
            .map(Path::of)
            .filter(Files::isReadable)
            .toList();
    private static final int CODE_BYTES = 4096;
    private static final int HASH_BUCKETS = 4096;

    private Seeds() {}

    /** Inputs that once failed: files of {@code tests/src/test/fuzz/LABEL}, never empty folders. */
    static List<Path> findings(FuzzTarget target) {
        Path folder = ROOT.resolve("tests/src/test/fuzz").resolve(target.label());
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + folder, e);
        }
    }

    static List<byte[]> of(FuzzTarget target) {
        return switch (target) {
            case ELF -> join(objects(), PROGRAMS.stream().map(Seeds::bytes).toList());
            case OBJECT, DWARF -> objects();
            case BTF ->
                objects().stream().flatMap(object -> section(object, ".BTF")).toList();
            case BYTECODE -> programs().stream().map(Seeds::code).toList();
            case VERIFIER -> programs().stream().map(Seeds::typed).toList();
            case X86 ->
                PROGRAMS.stream()
                        .flatMap(program -> section(bytes(program), ".text"))
                        .map(text -> Arrays.copyOf(text, CODE_BYTES))
                        .toList();
            case MAP -> scribbles();
        };
    }

    private static List<byte[]> objects() {
        List<byte[]> all = new ArrayList<>();
        for (Path folder : OBJECTS) {
            try {
                RealObjects.in(folder).forEach(file -> all.add(bytes(file)));
            } catch (IOException e) {
                throw new UncheckedIOException("listing " + folder, e);
            }
        }
        return all;
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    private static Stream<byte[]> section(byte[] file, String name) {
        try (ElfFile elf = ElfFile.of("seed", file)) {
            return elf.section(name).map(elf::content).stream();
        }
    }

    private static List<ProgSpec> programs() {
        return objects().stream()
                .map(object -> ObjectLoader.load("seed", object))
                .flatMap(result -> switch (result) {
                    case LoadResult.Loaded(CollectionSpec spec, var _) -> spec.programs().values().stream();
                    case LoadResult.Refused _ -> Stream.<ProgSpec>empty();
                })
                .toList();
    }

    private static byte[] code(ProgSpec program) {
        return InsnEncoder.encode(program.insns(), new Numbers());
    }

    private static byte[] typed(ProgSpec program) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(program.type().ordinal());
        out.writeBytes(code(program));
        return out.toByteArray();
    }

    private static List<byte[]> join(List<byte[]> some, List<byte[]> more) {
        return Stream.concat(some.stream(), more.stream()).toList();
    }

    /** A write to a bucket's head, to an element, to the header, and to a ring's positions and first record. */
    private static List<byte[]> scribbles() {
        List<byte[]> all = new ArrayList<>();
        for (byte map = 0; map < 4; map++) {
            for (int word : List.of(0x10, HASH_BUCKETS / 4, 0x440, 0x460, 0x800, 0xc00)) {
                all.add(ByteBuffer.allocate(17)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .put(map)
                        .putInt(word)
                        .putInt(word)
                        .putInt(word + 4)
                        .putInt(1)
                        .array());
            }
        }
        return all;
    }

    /** Every map is number 0, 1, ... by the length of its name: any number names one. */
    private static final class Numbers implements SymbolEncoder {
        @Override
        public WideEncoding mapPointer(String map) {
            return new WideEncoding(WideEncoding.MAP_FD, map.length());
        }

        @Override
        public WideEncoding mapValue(String map, long offset) {
            return new WideEncoding(WideEncoding.MAP_VALUE, map.length() | offset << 32);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            return new WideEncoding(WideEncoding.CONSTANT, 0);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            return new KernelCall(1, (short) 0);
        }
    }
}
