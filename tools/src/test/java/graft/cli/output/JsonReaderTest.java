package graft.cli.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.ebpf.btf.FormattedValue;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonReaderTest {
    @Test
    void whatIsWrittenIsReadAgain() throws JsonReader.SyntaxException {
        FormattedValue value = new FormattedValue.Record(List.of(
                new FormattedValue.Member("text", new FormattedValue.Text("a\"\\\n\t\u0001é\ud83d\ude00")),
                new FormattedValue.Member(
                        "numbers",
                        new FormattedValue.Sequence(List.of(
                                new FormattedValue.Number("-12"), new FormattedValue.Number("18446744073709551615")))),
                new FormattedValue.Member("truth", new FormattedValue.Number("true")),
                new FormattedValue.Member("none", new FormattedValue.Sequence(List.of())),
                new FormattedValue.Member("inner", new FormattedValue.Record(List.of()))));
        assertThat(JsonReader.read(new JsonWriter().formatted(value).toString()))
                .isEqualTo(value);
    }

    @Test
    void blanksMayBeAnywhereBetweenWords() throws JsonReader.SyntaxException {
        assertThat(JsonReader.read(" { \"a\" : [ 1 , 2 ] , \"b\" : false } ")).hasToString("{a=[1, 2] b=false}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[1",
                "[1,]",
                "{\"a\"}",
                "{\"a\":1,}",
                "{a:1}",
                "\"a",
                "\"\\x\"",
                "\"\\u12g4\"",
                "1 2",
                "nul",
                "null",
                "tru",
                "--1",
                "01x",
                "{\"a\":1}}"
            })
    void whatIsNoJsonIsRefused(String text) {
        assertThatThrownBy(() -> JsonReader.read(text)).isInstanceOf(JsonReader.SyntaxException.class);
    }

    @Test
    void nestingEndsSomewhere() {
        assertThatThrownBy(() -> JsonReader.read("[".repeat(100_000)))
                .isInstanceOf(JsonReader.SyntaxException.class)
                .hasMessageContaining("levels");
    }

    @Test
    void mistakesAreSaidWithTheirPlace() {
        assertThatThrownBy(() -> JsonReader.read("{\"a\" 1}")).hasMessage("':' is expected at character 6: 1}");
    }
}
