package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.cli.error.CommandFailure;
import graft.daemon.LinkRequest;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import java.time.Duration;
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
    void delaysAreMicrosecondsOrHaveAUnit() {
        Disturbance disturbance = rule("read:delay_enter=1500:delay_exit=1.5s").disturbance();

        assertThat(disturbance.before()).isEqualTo(Duration.ofNanos(1_500_000));
        assertThat(disturbance.behind()).isEqualTo(Duration.ofMillis(1500));
        assertThat(rule("read:delay_enter=7ns").disturbance().before()).isEqualTo(Duration.ofNanos(7));
        assertThat(rule("read:delay_enter=2ms:delay_exit=3us").disturbance().behind())
                .isEqualTo(Duration.ofNanos(3000));
        assertThat(rule("read:delay_enter=0.25").disturbance().before()).isEqualTo(Duration.ofNanos(250));
    }

    @Test
    void signalsHaveTheirNamesOrNumbers() {
        List<String> names = List.of("USR1", "SIGUSR1", "10", "RTMIN", "SIGRT_3", "64");

        assertThat(names.stream()
                        .map(name -> rule("read:signal=" + name)
                                .disturbance()
                                .signal()
                                .orElseThrow()
                                .number()))
                .containsExactly(10, 10, 10, 32, 35, 64);
    }

    @Test
    void whatIsMadeInsteadHasNoEffect() {
        Rule rule = rule("read:error=EIO:syscall=getuid");

        assertThat(rule.action()).isEqualTo(new Action.Deny("EIO", 5));
        assertThat(rule.disturbance().instead()).hasValue(102);
        assertThat(rule("open:redirect=/b:path=/a").action()).isEqualTo(new Action.Redirect("/b"));
    }

    @Test
    void memoryOfArgumentsIsPokedOnBothSides() {
        assertThat(rule("readlink:poke_enter=@arg1=2f00:poke_exit=@arg2=61")
                        .disturbance()
                        .pokes())
                .containsExactlyInAnyOrder(
                        new Poke(0, LinkRequest.Edge.ENTER, "2f00"), new Poke(1, LinkRequest.Edge.EXIT, "61"));
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
                "openat:error=EIO:signal=NONE",
                "openat:signal=0",
                "openat:signal=65",
                "openat:signal=TERM:signal=INT",
                "openat:delay_enter=-1",
                "openat:delay_enter=1m",
                "openat:delay_exit=",
                "openat:delay_enter=400d",
                "openat:delay_enter=99999999999s",
                "openat:syscall=getpid",
                "openat:retval=3:syscall=write",
                "openat:redirect=/etc/hosts",
                "openat:redirect=hosts:path=/etc/*",
                "openat:redirect=/etc/hosts:error=EIO:path=/etc/*",
                "read:poke_exit=@arg2=6",
                "read:poke_exit=@arg0=61",
                "read:poke_exit=@arg1=61",
                "read:poke_exit=@arg4=61",
                "read:poke_exit=arg2=61",
                "read:poke_exit=@arg2=61,@arg2=62",
                "rt_sigreturn:delay_enter=1",
                "rt_sigreturn:retval=0"
            })
    void whatCannotBeHonouredIsRefused(String text) {
        assertThatThrownBy(() -> rule(text)).isInstanceOf(CommandFailure.class);
    }
}
