package graft.cli.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CatalogueTest {
    private final Catalogue catalogue = Catalogue.packaged();

    @Test
    void everyCodeRendersWithCauseAndRemedyInEightLines() {
        assertThat(catalogue.entries()).isNotEmpty().allSatisfy(entry -> {
            String text = Problem.of(entry.code(), "").text(catalogue);
            assertThat(text.lines().count()).isBetween(3L, 8L);
            assertThat(text).startsWith(entry.printed()).contains(entry.cause(), "try: " + entry.remedy());
        });
    }

    @Test
    void documentationPageIsUpToDate() throws IOException {
        Path page = Path.of(System.getProperty("graft.root"), "docs", "errors.md");
        assertThat(Files.readString(page))
                .as("write it with: graft explain --markdown > docs/errors.md")
                .isEqualTo(catalogue.markdown());
    }

    @Test
    void refusesACodeThatIsDefinedTwice() {
        String block = "A001\nexit: 4\ntitle: t\ncause: c\ntry: r\n\n";
        assertThatThrownBy(() -> Catalogue.parse(block + block)).hasMessageContaining("A001 is defined twice");
    }
}
