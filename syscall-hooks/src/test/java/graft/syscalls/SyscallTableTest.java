package graft.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.syscalls.ArgumentKind.Edge;
import graft.syscalls.ArgumentKind.Form;
import graft.syscalls.ArgumentKind.Length;
import graft.syscalls.ArgumentKind.Meaning;
import graft.syscalls.ArgumentKind.Style;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SyscallTableTest {
    private static final SyscallTable TABLE = SyscallTable.x8664();

    @Test
    void argumentsHaveNamesTypesAndKinds() {
        SyscallSpec openat = TABLE.call("openat").orElseThrow();

        assertThat(openat.number()).isEqualTo(257);
        assertThat(openat.result()).isEqualTo(new ArgumentKind.Number(Form.FD));
        assertThat(openat.groups()).containsExactlyInAnyOrder("file", "desc");
        assertThat(openat.arguments())
                .containsExactly(
                        new Argument("dfd", "int", new ArgumentKind.Number(Form.DIRFD)),
                        new Argument("filename", "const char *", new ArgumentKind.Text(Meaning.PATH)),
                        new Argument("flags", "int", new ArgumentKind.Named(Style.FLAGS, "open")),
                        new Argument("mode", "umode_t", new ArgumentKind.Number(Form.OCT)));
    }

    @Test
    void lengthsOfMemoryAreOtherArgumentsOrTheResult() {
        assertThat(TABLE.call("read").orElseThrow().arguments().get(1).kind())
                .isEqualTo(new ArgumentKind.Bytes(Edge.OUT, new Length.Result()));
        assertThat(TABLE.call("write").orElseThrow().arguments().get(1).kind())
                .isEqualTo(new ArgumentKind.Bytes(Edge.IN, new Length.Of(2)));
        assertThat(TABLE.call("accept").orElseThrow().arguments().get(1).kind())
                .isEqualTo(new ArgumentKind.SocketAddress(Edge.OUT, new Length.At(2)));
        assertThat(TABLE.call("pipe").orElseThrow().arguments().get(0).kind())
                .isEqualTo(new ArgumentKind.Array("fd", Edge.OUT, new Length.Constant(2)));
    }

    @Test
    void callsThatTracefsNamesDifferentlyHaveBothNames() {
        assertThat(TABLE.call("newfstat")).isEqualTo(TABLE.call("fstat"));
        assertThat(TABLE.call("fstat").orElseThrow().arguments()).hasSize(2);
        assertThat(TABLE.call("uname").orElseThrow().arguments()).hasSize(1);
    }

    @Test
    void everySetOfConstantsThatAnArgumentNamesExists() {
        NamedConstants constants = NamedConstants.x8664();
        Set<String> sets = new HashSet<>();
        for (SyscallSpec call : TABLE.calls()) {
            for (Argument argument : call.arguments()) {
                if (argument.kind() instanceof ArgumentKind.Named(var _, var set)) {
                    sets.add(set);
                }
            }
        }
        assertThat(sets).isNotEmpty();
        sets.forEach(set -> assertThat(constants.set(set).constants()).as(set).isNotEmpty());
    }

    @Test
    void noCallHasMoreThanSixArguments() {
        assertThat(TABLE.calls())
                .hasSizeGreaterThan(370)
                .allSatisfy(call -> assertThat(call.arguments()).hasSizeLessThanOrEqualTo(6));
    }
}
