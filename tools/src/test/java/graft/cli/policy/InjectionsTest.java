package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.cli.error.CommandFailure;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InjectionsTest {
    private static Rule rule(String text) {
        return Injections.of(SyscallTable.x8664(), NamedConstants.x8664(), List.of(text))
                .rules()
                .getFirst();
    }

    @Test
    void whatStraceTakesIsUnderstood() {
        Rule rule = rule("openat,open:error=ENOENT:when=3+:path=/etc/*");

        assertThat(rule.matches()).extracting(match -> match.call().name()).containsExactly("openat", "open");
        assertThat(rule.action()).isEqualTo(new Action.Deny("ENOENT", 2));
        assertThat(rule.turns()).isEqualTo(new Rule.Turns(3, -1, 1));
        assertThat(rule.paths()).containsExactly(new PathPattern("/etc/*"));
        assertThat(rule("getpid:retval=7").action()).isEqualTo(new Action.Return(7));
        assertThat(rule("read:error=5").action()).isEqualTo(new Action.Deny("5", 5));
    }

    @Test
    void turnsAreThoseOfStrace() {
        assertThat(rule("read:error=EIO:when=3").turns()).isEqualTo(new Rule.Turns(3, 3, 1));
        assertThat(rule("read:error=EIO:when=3+2").turns()).isEqualTo(new Rule.Turns(3, -1, 2));
        assertThat(rule("read:error=EIO:when=2..5").turns()).isEqualTo(new Rule.Turns(2, 5, 1));
        assertThat(rule("read:error=EIO:when=2..9+3").turns()).isEqualTo(new Rule.Turns(2, 9, 3));
        assertThat(rule("read:error=EIO").turns()).isEqualTo(Rule.Turns.ALL);
    }

    @Test
    void groupsLeaveOutWhatCannotBeLeftOut() {
        assertThat(rule("%process:error=EPERM").matches())
                .extracting(match -> match.call().name())
                .contains("execve")
                .doesNotContain("exit_group");
        assertThat(rule("%desc:error=EIO:path=/x:y").paths()).containsExactly(new PathPattern("/x:y"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "openat",
                "openat:error=EFOO",
                "openat:error=0",
                "foo:error=EIO",
                "openat:retval=-1",
                "openat:when=1",
                "openat:error=EIO:when=0",
                "openat:error=EIO:when=5..3",
                "openat:error=EIO:when=x",
                "openat:error=EIO:retval=1",
                "exit_group:error=EIO",
                "getpid:error=EIO:path=/x",
                "openat:error=EIO:signal=TERM",
                "rt_sigreturn:retval=0"
            })
    void whatCannotBeHonouredIsRefused(String text) {
        assertThatThrownBy(() -> rule(text)).isInstanceOf(CommandFailure.class);
    }
}
