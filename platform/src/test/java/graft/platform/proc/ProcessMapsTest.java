package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ProcessMapsTest {
    private static final int SELF = (int) ProcessHandle.current().pid();

    @Test
    void readsPathsWithSpacesAndDeletedFiles() {
        MemoryMapping mapping = ProcessMaps.parse(1, "7f00-8f00 r-xp 00001000 08:01 42    /tmp/a b (deleted)\n")
                .mappings()
                .getFirst();
        assertThat(mapping.path()).contains("/tmp/a b");
        assertThat(mapping.deleted()).isTrue();
        assertThat(mapping.isExecutable()).isTrue();
        assertThat(mapping.size()).isEqualTo(0x1000);
    }

    @Test
    void findsTheFileOfAMapping() {
        ProcessMaps maps = ProcessMaps.of(SELF);
        MemoryMapping libc = maps.mappings().stream()
                .filter(mapping ->
                        mapping.path().filter(path -> path.contains("libc")).isPresent())
                .findFirst()
                .orElseThrow();
        assertThat(maps.openablePath(libc))
                .get()
                .satisfies(path -> assertThat(path).exists());
        assertThat(maps.containing(libc.start())).contains(libc);
        assertThat(maps.ofFile(libc.path().orElseThrow())).contains(libc);
    }

    @Test
    void readsStatusThreadsAndStartTime() {
        ProcessStatus status = ProcessStatus.of(SELF);
        assertThat(status.tgid()).isEqualTo(SELF);
        assertThat(status.namespacePids()).contains(SELF);
        assertThat(ProcessStatus.threads(SELF)).contains(SELF);
        assertThat(ProcessStat.of(SELF).startTime()).isPositive();
    }

    @Test
    void saysThatThereIsNoSuchProcess() {
        int none = 0x3fffffff;
        assertThatThrownBy(() -> ProcessMaps.of(none)).hasMessage("no process " + none);
        assertThatThrownBy(() -> ProcessStatus.threads(none)).isInstanceOf(NoSuchProcessException.class);
    }
}
