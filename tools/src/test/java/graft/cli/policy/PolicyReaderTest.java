package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PolicyReaderTest {
    private static Policy policy(String text) {
        return switch (PolicyReader.read(text, "named")) {
            case PolicyReader.Reading.Read(var policy) -> policy;
            case PolicyReader.Reading.Wrong(var mistakes) -> throw new AssertionError(mistakes);
        };
    }

    private static List<String> mistakes(String text) {
        return switch (PolicyReader.read(text, "named")) {
            case PolicyReader.Reading.Read(var policy) -> throw new AssertionError(policy);
            case PolicyReader.Reading.Wrong(var mistakes) ->
                mistakes.stream()
                        .map(one -> one.line() + ":" + one.column() + " " + one.what())
                        .toList();
        };
    }

    private static List<String> calls(Rule rule) {
        return rule.matches().stream().map(match -> match.call().name()).toList();
    }

    @Test
    void aPolicyIsRead() {
        Policy policy = policy("""
                name: web
                default: {deny: EPERM}
                rules:
                  - calls: openat
                    path: [/etc/, "*.log"]
                    where: {flags: has O_CREAT}
                    deny: EACCES
                  - name: mail
                    calls: connect
                    port: [25, 1..9]
                    log: true
                    action: allow
                """);

        assertThat(policy.name()).isEqualTo("web");
        assertThat(policy.otherwise()).isEqualTo(new Action.Deny("EPERM", 1));
        Rule first = policy.rules().getFirst();
        assertThat(first.name()).isEqualTo("rule 1");
        assertThat(first.line()).isEqualTo(4);
        assertThat(first.action()).isEqualTo(new Action.Deny("EACCES", 13));
        assertThat(first.paths()).containsExactly(new PathPattern("/etc/"), new PathPattern("*.log"));
        assertThat(first.matches().getFirst().alternatives()).containsExactly(List.of(Condition.bits(2, 0100, 0100)));
        Rule mail = policy.rules().get(1);
        assertThat(mail.report()).isEqualTo(Rule.Report.EACH);
        assertThat(mail.matches().getFirst().alternatives()).hasSize(2);
        assertThat(policy.calls()).extracting("name").containsExactly("connect", "openat");
    }

    @Test
    void argumentsAreFoundByNameInEachCall() {
        Rule rule = policy("""
                rules:
                  - {calls: [open, openat], where: {flags: has O_CREAT}, action: log}
                """).rules().getFirst();

        assertThat(rule.matches().get(0).alternatives().getFirst().getFirst().source())
                .isEqualTo(1);
        assertThat(rule.matches().get(1).alternatives().getFirst().getFirst().source())
                .isEqualTo(2);
    }

    @Test
    void callsOfAGroupAreThoseThatCanBeAsked() {
        Policy policy = policy("""
                rules:
                  - {calls: "%file", where: {flags: any O_WRONLY|O_RDWR}, action: log}
                  - {calls: "%net", port: 25, action: log}
                  - {calls: "%process", deny: EPERM}
                  - {calls: "%signal", action: log}
                """);

        assertThat(calls(policy.rules().get(0))).containsExactly("open", "openat");
        assertThat(calls(policy.rules().get(1)))
                .contains("connect", "bind", "sendto")
                .doesNotContain("socket");
        assertThat(calls(policy.rules().get(2)))
                .contains("execve", "clone", "vfork")
                .doesNotContain("exit", "exit_group");
        assertThat(calls(policy.rules().get(3))).contains("kill").doesNotContain("rt_sigreturn");
    }

    @Test
    void everyMistakeHasItsPlace() {
        assertThat(mistakes("rules:\n  - calls: openatt\n    deny: EFOO\n"))
                .satisfiesExactly(
                        one -> assertThat(one).startsWith("3:11 \"EFOO\" is no error"),
                        one -> assertThat(one).startsWith("2:12 \"openatt\" is neither"));
        assertThat(mistakes("rules:\n  - {calls: connect, path: /x, action: log}\n"))
                .containsExactly("2:13 connect takes no path");
        assertThat(mistakes("rules:\n  - {calls: exit_group, deny: EPERM}\n"))
                .containsExactly("2:13 exit_group cannot be left out: the process could not go on");
        assertThat(mistakes("rules:\n  - {calls: rt_sigreturn, action: log}\n"))
                .containsExactly(
                        "2:13 rt_sigreturn is never hooked: the end of a signal handler is no place for rules");
        assertThat(mistakes("rules:\n  - {calls: openat, where: {flag: 1}, action: log}\n"))
                .containsExactly("2:29 openat has no number \"flag\"; it has dfd, flags, mode");
        assertThat(mistakes("rules:\n  - {calls: openat, port: 25, action: log}\n"))
                .containsExactly("2:21 openat is given no address; connect, bind and sendto are");
        assertThat(mistakes("rules:\n  - {calls: openat}\n"))
                .hasSize(1)
                .first()
                .asString()
                .contains("a rule has one of");
        assertThat(mistakes("rule: 1\n")).hasSize(2);
        assertThat(mistakes("rules: []\n")).containsExactly("1:8 a policy has 1 to 64 rules");
        assertThat(mistakes("a: [\n")).hasSize(1).first().asString().startsWith("2:1 ");
        assertThat(mistakes("")).containsExactly("1:1 the file is empty");
    }

    @Test
    void noTextBreaksTheReader() {
        String sane = "name: x\ndefault: kill\nrules:\n  - {calls: [\"%file\", connect], path: \"/a/*\", where: "
                + "{flags: has O_CREAT, arg1: 1..2}, port: <9, address: 1.2.3.4/8, deny: EIO, log: true}\n";
        SplittableRandom choice = new SplittableRandom(7);
        for (int round = 0; round < 2000; round++) {
            StringBuilder bent = new StringBuilder(sane);
            for (int i = 0; i < 1 + round % 4; i++) {
                bent.setCharAt(choice.nextInt(bent.length()), (char) (32 + choice.nextInt(96)));
            }
            assertThat(PolicyReader.read(bent.toString(), "named")).isNotNull();
        }
    }
}
