package graft.platform.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ElfFileTest {
    private static final Path LIBC = Path.of("/lib/x86_64-linux-gnu/libc.so.6");

    @Test
    void findsAVersionedFunctionByItsBareName() {
        try (ElfFile libc = libc()) {
            ElfSymbol malloc = libc.functions().named("malloc").getFirst();
            assertThat(malloc.versionedName()).isEqualTo("malloc@@GLIBC_2.2.5");
            assertThat(malloc.size()).isPositive();
            assertThat(libc.functions().named("malloc@@GLIBC_2.2.5")).contains(malloc);
            ElfVirtualAddress inside = new ElfVirtualAddress(malloc.value().value() + 3);
            assertThat(libc.functions().containing(inside))
                    .get()
                    .extracting(ElfSymbol::value)
                    .isEqualTo(malloc.value());
        }
    }

    @Test
    void flagsIndirectFunctions() {
        try (ElfFile libc = libc()) {
            assertThat(libc.functions().named("memcpy").getFirst().type()).isEqualTo(ElfSymbol.Type.INDIRECT_FUNCTION);
        }
    }

    @Test
    void convertsBetweenAddressesAndOffsets() {
        try (ElfFile libc = libc()) {
            ElfSymbol malloc = libc.functions().named("malloc").getFirst();
            FileOffset offset = libc.fileOffset(malloc.value()).orElseThrow();
            assertThat(libc.virtualAddress(offset)).contains(malloc.value());
            assertThat(libc.bytesAt(malloc.value(), 16)).hasSize(16);
        }
    }

    @Test
    void readsIdentityAndDynamicEntries() {
        try (ElfFile libc = libc()) {
            assertThat(libc.dynamic().soname()).contains("libc.so.6");
            assertThat(libc.dynamic().needed()).contains("ld-linux-x86-64.so.2");
            assertThat(libc.buildId().orElseThrow().hex()).hasSize(40);
        }
    }

    @Test
    void neverThrowsAnythingElseForDamagedFiles() throws IOException {
        byte[] good = Files.readAllBytes(program());
        Random random = new Random(7);
        for (int i = 0; i < 300; i++) {
            byte[] bad = random.nextInt(4) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            for (int k = random.nextInt(30); k > 0 && bad.length > 64; k--) {
                int range = random.nextBoolean() ? 64 : bad.length;
                bad[random.nextInt(range)] = (byte) random.nextInt();
            }
            readAll(bad);
        }
    }

    @Test
    void namesFileAndPlaceOfTrouble() {
        assertThatThrownBy(() -> ElfFile.of("short.o", new byte[3]))
                .isInstanceOf(ElfFormatException.class)
                .hasMessage("short.o at 0x0: 3 bytes are too few for ELF");
        assertThatThrownBy(() -> ElfFile.of("text", new byte[64])).hasMessage("text at 0x0: not an ELF file");
    }

    private static void readAll(byte[] bytes) {
        try {
            ElfFile file = ElfFile.of("damaged", bytes);
            file.functions();
            file.dynamic();
            file.interpreter();
            file.buildId();
            file.debugLink();
            for (ElfSection section : file.sections()) {
                if (section.type() == ElfSection.REL || section.type() == ElfSection.RELA) {
                    file.relocations(section);
                }
            }
        } catch (ElfFormatException e) {
            assertThat(e).hasMessageStartingWith("damaged at 0x");
        }
    }

    private static Path program() {
        return Path.of("/bin/true");
    }

    private static ElfFile libc() {
        assumeTrue(Files.exists(LIBC));
        return ElfFile.open(LIBC);
    }
}
