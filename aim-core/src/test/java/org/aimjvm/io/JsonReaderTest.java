package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.io.JsonReader.Token;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The JSON reader: RFC 8259, and nothing else. */
class JsonReaderTest {
    private static List<String> pieces(String json) {
        JsonReader reader = new JsonReader(json, 4);
        List<String> pieces = new ArrayList<>();
        for (Token t = reader.next(); t != Token.END; t = reader.next()) {
            assertThat(reader.token()).isEqualTo(t);
            pieces.add(switch (t) {
                case NAME, STRING, WHOLE, FRACTION -> t + " " + reader.text();
                default -> t.toString();
            });
        }
        assertThat(reader.next()).isEqualTo(Token.END);
        return pieces;
    }

    @Test
    void piecesComeInOrder() {
        assertThat(pieces(" {\"a\" : [1, -0, [ ] ,{}],\t\"\":\"x\",\"t\":true,\"f\":false,\r\n\"n\":null} "))
                .containsExactly("START_OBJECT", "NAME a", "START_ARRAY", "WHOLE 1", "WHOLE -0", "START_ARRAY",
                        "END_ARRAY", "START_OBJECT", "END_OBJECT", "END_ARRAY", "NAME ", "STRING x", "NAME t", "TRUE",
                        "NAME f", "FALSE", "NAME n", "NULL", "END_OBJECT");
        assertThat(pieces("7")).containsExactly("WHOLE 7");
    }

    @Test
    void numbersStayAsTheyAreWritten() {
        assertThat(pieces("[0.50, 1e5, 10E-2, -3.25e+08, 120]")).containsExactly("START_ARRAY", "FRACTION 0.50",
                "FRACTION 1e5", "FRACTION 10E-2", "FRACTION -3.25e+08", "WHOLE 120", "END_ARRAY");
    }

    @Test
    void escapesBecomeCharacters() {
        assertThat(pieces("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\uD83D\\uDE00 \u00e9\""))
                .containsExactly("STRING \"\\/\b\f\n\r\tA\u00e9\uD83D\uDE00 \u00e9");
    }

    @Test
    void longsAreReadWhole() {
        JsonReader reader = new JsonReader("[-9223372036854775808, 9223372036854775808]", 1);
        reader.next();
        reader.next();
        assertThat(reader.longValue()).isEqualTo(Long.MIN_VALUE);
        reader.next();
        assertThatThrownBy(reader::longValue).hasMessageContaining("9223372036854775808, expected one of 64 bits");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", " ", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}",
                "{,}", "{1:2}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{a:1}", "{'a':1}", "]", "}", "[}", "{]", "[1}",
                "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "tru", "nul", "True",
                "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u\uFF11\uFF11\uFF11\uFF11\"",
                "\"a\nb\"", "\"\\t\nb\"", "1 1", "{} x", "// c\n1", "\uFEFF1", "[[[[[1]]]]]"
            })
    void whatIsNoJsonIsRefused(String text) {
        assertThatThrownBy(() -> pieces(text)).isInstanceOf(JsonReader.MalformedException.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[1 2]|(character ", "1 1|more than one value (character ", "``|the text ends, expected a value",
                "[[[[[]]]]]|nested deeper than 4 (character 5)", "[01]|zero"
            })
    void messagesSayWhereAndWhy(String json, String message) {
        assertThatThrownBy(() -> pieces(json)).hasMessageContaining(message);
    }

    @Test
    void endlessNumbersAreRefused() {
        assertThat(pieces("9".repeat(1000))).hasSize(1);
        assertThatThrownBy(() -> pieces("9".repeat(1001)))
                .isInstanceOf(JsonReader.MalformedException.class)
                .hasMessageContaining("1000");
    }
}
