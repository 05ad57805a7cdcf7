package graft.platform.keystone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import graft.platform.address.RemoteAddress;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class KeystoneEngineTest {

    @Test
    @Tag("slow")
    void assemblesForAnAddress() {
        assertThat(assemble("lea rax,[rip+16]; jmp 0x100; mov [rsp-8],rdi"))
                .isEqualTo("488d0510000000e9f4f0ffff48897c24f8");
    }

    @Test
    @Tag("slow")
    void namesTheWrongStatement() {
        assertThat(assemble("nop; mov al, rbx; ret"))
                .startsWith("mov al, rbx: ")
                .contains("nvalid operand");
    }

    @Test
    @Tag("slow")
    void refusesTargetsOutOfReach() {
        assertThat(assemble("jmp 0xc0000000")).isEqualTo("jmp 0xc0000000: the target is out of reach");
        assertThat(assemble("nop; jrcxz 0x1100")).isEqualTo("jrcxz 0x1100: the target is out of reach");
        assertThat(assemble("jrcxz 0x1010")).isEqualTo("e30e");
    }

    @Test
    @Tag("slow")
    void knowsLabels() {
        assertThat(assemble("again: dec rcx; jnz again; call rax")).isEqualTo("48ffc975fbffd0");
    }

    @Test
    void saysHowToGetItWhenMissing() {
        Path nowhere = Path.of("/nowhere/keystone.wasm");
        assertThat(KeystoneEngine.open(FetchedFile.read(nowhere)))
                .isEqualTo(new KeystoneEngine.Missing(
                        "no libkeystone with x86 is installed and there is no /nowhere/keystone.wasm",
                        "run setup/fetch-keystone"));
    }

    @Test
    void looksInTheUsersCache() {
        assertThat(FetchedFile.path(Map.of("XDG_CACHE_HOME", "/c"))).hasToString("/c/graft/keystone.wasm");
        assertThat(FetchedFile.path(Map.of("HOME", "/h"))).hasToString("/h/.cache/graft/keystone.wasm");
    }

    private static String assemble(String text) {
        KeystoneEngine engine = switch (KeystoneEngine.open()) {
            case KeystoneEngine.Available(KeystoneEngine available) -> available;
            case KeystoneEngine.Missing(String why, String whatToTry) -> abort(why + "; " + whatToTry);
        };
        try (engine) {
            return switch (engine.assemble(text, new RemoteAddress(0x1000))) {
                case Assembly.Assembled(byte[] bytes) -> HexFormat.of().formatHex(bytes);
                case Assembly.Rejected(String statement, String why) -> statement + ": " + why;
            };
        }
    }
}
