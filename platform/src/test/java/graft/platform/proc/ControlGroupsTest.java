package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ControlGroupsTest {
    /** A locale without its characters has none either, and a thread that looks for groups goes on. */
    @Test
    void aNameThatNoPathCanHaveIsNotSeen() {
        assertThat(ControlGroups.path("/sys/fs/cgroup/web\u0000")).isEmpty();
        assertThat(ControlGroups.path("/sys/fs/cgroup/web")).isPresent();
    }
}
