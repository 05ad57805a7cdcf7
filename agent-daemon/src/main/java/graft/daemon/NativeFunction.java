package graft.daemon;

import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfHeader;
import graft.platform.elf.ElfRelocation;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.linux.SysException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A function that a C compiler has made, with everything of its object file that it may use: not tied to any process. It may
 * read constants, and call functions and use data of the process by name; it has no variables of its own, for the memory that
 * code lies in cannot be written.
 *
 * @param name of the function
 * @param image all sections that are in memory, one behind the other
 * @param entry where the function begins in the image
 * @param references what has to be filled in when the image's address is known
 */
public record NativeFunction(String name, byte[] image, int entry, List<Reference> references) {
    private static final int X86_64 = 62;
    private static final int ALIGNMENT = 64;
    private static final int R_64 = 1;
    private static final int R_PC32 = 2;
    private static final int R_PLT32 = 4;
    private static final int R_GOTPCREL = 9;
    private static final int R_GOTPCRELX = 41;
    private static final int R_REX_GOTPCRELX = 42;

    public NativeFunction {
        references = List.copyOf(references);
    }

    /** The outcome of reading an object file. */
    public sealed interface Reading {
        /** Understood. */
        record Read(NativeFunction function) implements Reading {}

        /** Not usable, and why. */
        record Refused(String why, String suggestion) implements Reading {}
    }

    /** How an address is written. */
    public enum Form {
        /** Eight bytes. */
        ABSOLUTE,
        /** Four bytes: the distance from their place. */
        RELATIVE,
        /** The same, and of a call or jump, which may go through another jump. */
        CALL,
        /** Four bytes: the distance to eight bytes that hold the address. */
        THROUGH_POINTER
    }

    /** What is referred to. */
    public sealed interface Target {
        /** Something in the image. */
        record Inside(long offset) implements Target {}

        /** Something of the process. */
        record Named(String name) implements Target {}
    }

    /** Bytes of the image that become an address. */
    public record Reference(int at, Form form, Target target, long addend) {}

    /** Reads function {@code name} of an object file; without a name, its only global function. */
    public static Reading read(Path file, Optional<String> name) {
        try (ElfFile elf = ElfFile.open(file)) {
            if (elf.header().type() != ElfHeader.RELOCATABLE || elf.header().machine() != X86_64) {
                return new Reading.Refused("it is no x86-64 object file", "gcc -O2 -c FILE.c");
            }
            return new Reader(elf).read(name);
        } catch (ElfFormatException damaged) {
            return new Reading.Refused(damaged.getMessage(), "compile it again");
        } catch (SysException unreadable) {
            return new Reading.Refused(unreadable.getMessage(), "check the path and its permissions");
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NativeFunction function
                && name.equals(function.name)
                && entry == function.entry
                && Arrays.equals(image, function.image)
                && references.equals(function.references);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(image);
    }

    /** One object file being read. */
    private static final class Reader {
        private final ElfFile elf;
        private final List<ElfSymbol> symbols;
        private final Map<Integer, Integer> places = new HashMap<>();
        private int size;

        Reader(ElfFile elf) {
            this.elf = elf;
            this.symbols = elf.symbols(SymbolTable.STATIC);
        }

        Reading read(Optional<String> name) {
            List<ElfSymbol> functions = symbols.stream()
                    .filter(ElfSymbol::isDefinedFunction)
                    .filter(symbol ->
                            name.map(symbol.name()::equals).orElse(symbol.binding() == ElfSymbol.Binding.GLOBAL))
                    .toList();
            if (functions.size() != 1) {
                return new Reading.Refused(
                        name.map(wanted -> "it has no function " + wanted)
                                .orElse("it has " + functions.size() + " global functions"),
                        "--object FILE:FUNCTION names one");
            }
            for (ElfSection section : elf.sections()) {
                if (section.has(ElfSection.ALLOC) && section.has(ElfSection.WRITE) && section.size() > 0) {
                    return new Reading.Refused(
                            "it has variables (" + section.name() + ")",
                            "make them constant, or use variables of the process");
                }
                if (section.has(ElfSection.ALLOC) && section.type() == ElfSection.PROGBITS) {
                    places.put(section.index(), size);
                    size = (int) (size + section.size() + ALIGNMENT - 1) & -ALIGNMENT;
                }
            }
            return linked(functions.getFirst());
        }

        private Reading linked(ElfSymbol function) {
            byte[] image = new byte[size];
            List<Reference> references = new ArrayList<>();
            for (ElfSection section : elf.sections()) {
                if (places.containsKey(section.index())) {
                    byte[] content = elf.content(section);
                    System.arraycopy(content, 0, image, places.get(section.index()), content.length);
                }
                boolean applies = section.type() == ElfSection.RELA && places.containsKey(section.info());
                if (applies && !elf.sections().get(section.info()).name().equals(".eh_frame")) {
                    for (ElfRelocation relocation : elf.relocations(section)) {
                        Optional<Reference> reference = reference(relocation, places.get(section.info()));
                        if (reference.isEmpty()) {
                            return new Reading.Refused(
                                    "it has a relocation of type " + relocation.type(),
                                    "compile it with -fPIC or -mcmodel=small, and without thread-local variables");
                        }
                        references.add(reference.get());
                    }
                }
            }
            int entry = places.get(function.section()) + (int) function.value().value();
            return new Reading.Read(new NativeFunction(function.name(), image, entry, references));
        }

        private Optional<Reference> reference(ElfRelocation relocation, int section) {
            ElfSymbol symbol = symbols.get(relocation.symbol());
            Optional<Form> form = form(relocation.type());
            boolean known = symbol.section() == ElfSymbol.UNDEFINED || places.containsKey(symbol.section());
            if (form.isEmpty() || !known || symbol.type() == ElfSymbol.Type.THREAD_LOCAL) {
                return Optional.empty();
            }
            Target target = symbol.section() == ElfSymbol.UNDEFINED
                    ? new Target.Named(symbol.name())
                    : new Target.Inside(
                            places.get(symbol.section()) + symbol.value().value());
            return Optional.of(
                    new Reference(section + (int) relocation.offset(), form.get(), target, relocation.addend()));
        }

        private static Optional<Form> form(int type) {
            return switch (type) {
                case R_64 -> Optional.of(Form.ABSOLUTE);
                case R_PC32 -> Optional.of(Form.RELATIVE);
                case R_PLT32 -> Optional.of(Form.CALL);
                case R_GOTPCREL, R_GOTPCRELX, R_REX_GOTPCRELX -> Optional.of(Form.THROUGH_POINTER);
                default -> Optional.empty();
            };
        }
    }
}
