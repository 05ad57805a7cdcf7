import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Turns layout descriptions into a C header with static assertions, or into Java classes with constants. Run by the
 * build: {@code java LayoutGenerator.java c OUT.h IN.layout...} or {@code java ... java PACKAGE OUTDIR IN.layout...}.
 */
final class LayoutGenerator {
    private static final Map<String, Integer> SIZES =
            Map.of("u8", 1, "u16", 2, "u32", 4, "s32", 4, "u64", 8, "s64", 8);

    record Constant(String name, long value) {}

    record Field(String name, String type, int count, int offset) {
        int size() {
            return SIZES.get(type) * count;
        }

        int end() {
            return offset + size();
        }
    }

    record Struct(String name, int size, List<Field> fields) {
        String javaName() {
            StringBuilder name = new StringBuilder();
            for (String word : this.name.replaceFirst("^graft_", "").split("_")) {
                name.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
            }
            return name + "Layout";
        }
    }

    record Layout(String file, List<Constant> constants, List<Struct> structs) {
        String name() {
            return file.replaceFirst("\\.layout$", "");
        }

        String javaName() {
            return Character.toUpperCase(name().charAt(0)) + name().substring(1) + "Constants";
        }
    }

    public static void main(String[] args) throws IOException {
        switch (args[0]) {
            case "c" -> writeIfChanged(Path.of(args[1]), header(parseAll(args, 2)));
            case "java" -> {
                Path folder = Path.of(args[2]).resolve(args[1].replace('.', '/'));
                for (Layout layout : parseAll(args, 3)) {
                    writeIfChanged(folder.resolve(layout.javaName() + ".java"), constants(args[1], layout));
                    for (Struct struct : layout.structs()) {
                        writeIfChanged(folder.resolve(struct.javaName() + ".java"), offsets(args[1], layout, struct));
                    }
                }
            }
            default -> throw new IllegalArgumentException("expected c or java, got " + args[0]);
        }
    }

    private static List<Layout> parseAll(String[] args, int from) throws IOException {
        List<Layout> layouts = new ArrayList<>();
        for (int i = from; i < args.length; i++) {
            Path path = Path.of(args[i]);
            layouts.add(parse(path.getFileName().toString(), Files.readAllLines(path)));
        }
        return layouts;
    }

    static Layout parse(String file, List<String> lines) {
        List<Constant> constants = new ArrayList<>();
        List<Struct> structs = new ArrayList<>();
        Struct open = null;
        for (int number = 1; number <= lines.size(); number++) {
            String line = lines.get(number - 1).replaceFirst("#.*", "").strip();
            if (line.isEmpty()) {
                continue;
            }
            String[] word = line.split("\\s+");
            String where = file + ":" + number + ": ";
            switch (word[0]) {
                case "abi" -> constants.add(new Constant("ABI", Long.decode(word[1])));
                case "const" -> constants.add(new Constant(word[1], Long.parseUnsignedLong(
                        word[2].replaceFirst("^0x", ""), word[2].startsWith("0x") ? 16 : 10)));
                case "struct" -> {
                    check(open == null, where + "struct inside a struct");
                    open = new Struct(word[1], Integer.decode(word[2]), new ArrayList<>());
                    structs.add(open);
                }
                case "field" -> {
                    check(open != null, where + "field outside a struct");
                    addField(where, open, word);
                }
                case "end" -> open = null;
                default -> throw new IllegalArgumentException(where + "unknown word " + word[0]);
            }
        }
        check(open == null, file + ": struct without end");
        return new Layout(file, constants, structs);
    }

    private static void addField(String where, Struct struct, String[] word) {
        String type = word[2].replaceFirst("\\[.*", "");
        int count = word[2].contains("[") ? Integer.parseInt(word[2].replaceAll(".*\\[|\\]", "")) : 1;
        check(SIZES.containsKey(type), where + "unknown type " + type);
        Field field = new Field(word[1], type, count, Integer.decode(word[3]));
        int previousEnd = struct.fields().isEmpty() ? 0 : struct.fields().getLast().end();
        check(field.offset() >= previousEnd, where + "overlaps the field before");
        check(field.offset() % SIZES.get(type) == 0, where + "is not aligned");
        check(field.end() <= struct.size(), where + "is outside the struct");
        struct.fields().add(field);
    }

    static String header(List<Layout> layouts) {
        StringBuilder out = new StringBuilder("/* Generated by LayoutGenerator from *.layout. Do not edit. */\n");
        out.append("#ifndef GRAFT_LAYOUT_H\n#define GRAFT_LAYOUT_H\n\n#include <stddef.h>\n#include <stdint.h>\n");
        for (Layout layout : layouts) {
            out.append("\n/* ").append(layout.file()).append(" */\n");
            for (Constant constant : layout.constants()) {
                String name = constant.name().equals("ABI")
                        ? layout.name().toUpperCase(Locale.ROOT) + "_ABI"
                        : constant.name();
                out.append("#define GRAFT_%s 0x%x%s\n"
                        .formatted(name, constant.value(), constant.value() >>> 32 == 0 ? "u" : "ull"));
            }
            layout.structs().forEach(struct -> cStruct(out, struct));
        }
        return out.append("\n#endif\n").toString();
    }

    private static void cStruct(StringBuilder out, Struct struct) {
        out.append("\nstruct ").append(struct.name()).append(" {\n");
        int at = 0;
        int pads = 0;
        for (Field field : struct.fields()) {
            if (field.offset() > at) {
                out.append("    uint8_t pad%d[%d];\n".formatted(pads++, field.offset() - at));
            }
            String type = (field.type().startsWith("u") ? "uint" : "int") + field.type().substring(1) + "_t";
            String array = field.count() > 1 ? "[" + field.count() + "]" : "";
            out.append("    %s %s%s;\n".formatted(type, field.name(), array));
            at = field.end();
        }
        if (struct.size() > at) {
            out.append("    uint8_t pad%d[%d];\n".formatted(pads, struct.size() - at));
        }
        out.append("};\n_Static_assert(sizeof(struct %1$s) == %2$d, \"size of %1$s\");\n"
                .formatted(struct.name(), struct.size()));
        for (Field field : struct.fields()) {
            out.append("_Static_assert(offsetof(struct %1$s, %2$s) == %3$d, \"%1$s.%2$s\");\n"
                    .formatted(struct.name(), field.name(), field.offset()));
        }
    }

    static String constants(String packageName, Layout layout) {
        StringBuilder out = classStart(packageName, layout, layout.javaName(), "Constants of {@code " + layout.file() + "}.");
        for (Constant constant : layout.constants()) {
            out.append("    /** {@code %s}. */\n".formatted(constant.name()));
            boolean fits = constant.value() >>> 32 == 0; // as bits: a u32 with the high bit is a negative int
            out.append(fits
                    ? "    public static final int %s = 0x%x;\n".formatted(constant.name(), constant.value())
                    : "    public static final long %s = 0x%xL;\n".formatted(constant.name(), constant.value()));
        }
        return classEnd(out, layout.javaName());
    }

    static String offsets(String packageName, Layout layout, Struct struct) {
        StringBuilder out = classStart(
                packageName, layout, struct.javaName(), "Offsets of {@code struct " + struct.name() + "}.");
        out.append("    /** Bytes of the struct. */\n    public static final int SIZE = %d;\n".formatted(struct.size()));
        for (Field field : struct.fields()) {
            String name = field.name().toUpperCase(Locale.ROOT);
            out.append("    /** {@code %s %s%s}. */\n"
                    .formatted(field.type(), field.name(), field.count() > 1 ? "[" + field.count() + "]" : ""));
            out.append("    public static final int %s = %d;\n".formatted(name, field.offset()));
            if (field.count() > 1) {
                out.append("    /** Bytes of {@code %s}. */\n    public static final int %s_SIZE = %d;\n"
                        .formatted(field.name(), name, field.size()));
            }
        }
        return classEnd(out, struct.javaName());
    }

    private static StringBuilder classStart(String packageName, Layout layout, String name, String purpose) {
        return new StringBuilder()
                .append("// Generated by LayoutGenerator from ").append(layout.file()).append(". Do not edit.\n")
                .append("package ").append(packageName).append(";\n\n")
                .append("/** ").append(purpose).append(" */\n")
                .append("public final class ").append(name).append(" {\n");
    }

    private static String classEnd(StringBuilder out, String name) {
        return out.append("\n    private ").append(name).append("() {}\n}\n").toString();
    }

    private static void writeIfChanged(Path path, String text) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        try (Stream<String> lines = Files.exists(path) ? Files.lines(path) : Stream.empty()) {
            if (String.join("\n", (Iterable<String>) lines::iterator).concat("\n").equals(text)) {
                return;
            }
        }
        Files.writeString(path, text);
    }

    private static void check(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
