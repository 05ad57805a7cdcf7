package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuntimeFolderTest {
    private static final int USER = ProcessStatus.own().effectiveUid();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"rwx------, true", "rwxr-xr-x, true", "rwxrwx---, false", "rwx----w-, false", "rwxrwxrwx, false"})
    void whereOthersMayWriteIsNotPrivate(String permissions, boolean isPrivate) throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(permissions));
        assertThat(RuntimeFolder.isPrivate(folder, USER)).isEqualTo(isPrivate);
    }

    @Test
    void anotherUsersFolderIsNotPrivate() {
        assertThat(RuntimeFolder.isPrivate(folder, USER + 1)).isFalse();
    }

    @Test
    void neitherIsOneThatIsNotThere() {
        assertThat(RuntimeFolder.isPrivate(folder.resolve("none"), USER)).isFalse();
    }
}
