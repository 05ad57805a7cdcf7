package graft.cli.syscalls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.cli.error.CommandFailure;
import graft.syscalls.SyscallSpec;
import graft.syscalls.SyscallTable;
import java.util.List;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private static final SyscallTable TABLE = SyscallTable.x8664();

    @Test
    void namesAndGroupsAreAdded() {
        assertThat(names("openat", "%memory")).contains("openat", "mmap", "brk").doesNotContain("read");
        assertThat(names("trace=read", "write")).containsExactly("read", "write");
        assertThat(names("%network")).contains("connect").doesNotContain("openat");
    }

    @Test
    void anExclamationMarkMeansAllOthers() {
        assertThat(names("!futex", "read")).contains("openat").doesNotContain("futex", "read");
    }

    @Test
    void nothingMeansAll() {
        assertThat(names()).hasSize(TABLE.calls().size());
        assertThat(names("all")).hasSize(TABLE.calls().size());
    }

    @Test
    void unknownWordsAreRefused() {
        assertThatThrownBy(() -> names("opennat"))
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining("opennat");
        assertThatThrownBy(() -> names("%fil")).hasMessageContaining("%fil");
    }

    private static List<String> names(String... words) {
        return Selection.of(TABLE, List.of(words)).stream()
                .map(SyscallSpec::name)
                .toList();
    }
}
