package graft.cli.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackagedProgramTest {
    @ParameterizedTest
    @EnumSource
    void everyOneIsAnElfObject(PackagedProgram program) {
        assertThat(program.bytes()).startsWith(0x7f, 'E', 'L', 'F');
    }
}
