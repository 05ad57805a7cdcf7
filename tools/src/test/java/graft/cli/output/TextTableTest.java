package graft.cli.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TextTableTest {
    private final TextTable table = TextTable.of(TextTable.words("function"), TextTable.numbers("calls"));

    @Test
    void columnsAreAsWideAsTheirWidestCellAndNothingIsCut() {
        table.row("SSL_read", "7").row("ngx_http_process_request", "1,204,551");
        assertThat(String.join("\n", table.lines())).isEqualTo("""
                function                      calls
                SSL_read                          7
                ngx_http_process_request  1,204,551""");
    }

    @Test
    void refusesARowOfTheWrongWidth() {
        assertThatThrownBy(() -> table.row("one")).hasMessage("1 cells for 2 columns");
    }
}
