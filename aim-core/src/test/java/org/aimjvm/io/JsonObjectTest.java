package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Typed access to JSON that may be wrong. */
class JsonObjectTest {
    private static final Path WHERE = Path.of("a.json");

    private static JsonObject parse(String json) {
        return JsonObject.parse(json, WHERE);
    }

    private static void assertRefused(String json, Consumer<JsonObject> access, String message) {
        JsonObject o = parse(json);
        assertThatThrownBy(() -> access.accept(o)).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void valuesOfTheRightTypeComeOut() {
        JsonObject o = parse("""
                {"i": 7, "d": 0.1, "f": 3e38, "whole": 5, "b": true, "t": "x", "n": null,
                 "is": [1, -2], "ts": ["a", "b"], "r": [0.5, 2], "open": [0.5, "inf"], "large": [0, 3.4028235e38],
                 "o": {"i": 8}}""");
        assertThat(o.integer("i", 0)).isEqualTo(7);
        assertThat(o.number("d", 0)).isEqualTo(0.1);
        assertThat(o.number("whole", 0)).isEqualTo(5);
        assertThat(o.floatNumber("f", 0)).isEqualTo(3e38f);
        assertThat(o.floatNumber("d", 0)).isEqualTo(0.1f);
        assertThat(o.bool("b", false)).isTrue();
        assertThat(o.text("t", "")).isEqualTo("x");
        assertThat(o.integers("is", List.of())).isEqualTo(List.of(1, -2));
        assertThat(o.texts("ts", List.of())).isEqualTo(List.of("a", "b"));
        assertThat(o.range("r", 0, 1)).containsExactly(0.5, 2);
        assertThat(o.range("open", 0, 1)).containsExactly(0.5, Double.POSITIVE_INFINITY);
        assertThat(o.range("large", 0, 1)).containsExactly(0, Double.POSITIVE_INFINITY);
        assertThat(o.object("o").integer("i", 0)).isEqualTo(8);
        assertThat(List.of(o.has("n"), o.has("none"), o.hasText("t"), o.hasText("i"), o.hasObject("o")))
                .containsExactly(false, false, true, false, true);
    }

    @Test
    void whatIsMissingOrNullTakesTheDefault() {
        JsonObject o = parse("{\"n\": null}");
        for (String key : List.of("n", "none")) {
            assertThat(o.integer(key, 3)).isEqualTo(3);
            assertThat(o.number(key, Double.NaN)).isNaN();
            assertThat(o.floatNumber(key, 0.1f)).isEqualTo(0.1f);
            assertThat(o.bool(key, true)).isTrue();
            assertThat(o.text(key, "t")).isEqualTo("t");
            assertThat(o.integers(key, List.of(1))).isEqualTo(List.of(1));
            assertThat(o.texts(key, List.of("a"))).isEqualTo(List.of("a"));
            assertThat(o.range(key, 1, 2)).containsExactly(1, 2);
        }
    }

    @Test
    void valuesOfTheWrongTypeAreNamedWithTheirPath() {
        assertRefused("{\"k\": 1.5}", o -> o.integer("k", 0), "k: 1.5 (expected a whole number)");
        assertRefused(
                "{\"k\": 9223372036854775808}", o -> o.integer("k", 0),
                "k: 9223372036854775808 (expected a whole number)");
        assertRefused("{\"k\": 2147483648}", o -> o.integer("k", 0), "k: 2147483648 (expected a whole number)");
        assertRefused("{\"k\": \"1\"}", o -> o.integer("k", 0), "k: \"1\" (expected a whole number)");
        assertRefused("{\"k\": true}", o -> o.number("k", 0), "k: true (expected a number)");
        assertRefused("{\"k\": 1e39}", o -> o.floatNumber("k", 0), "k: 1e39 (expected a number of 32 bits)");
        assertRefused("{\"k\": 0}", o -> o.bool("k", true), "k: 0 (expected true or false)");
        assertRefused("{\"k\": 0}", o -> o.text("k", ""), "k: 0 (expected a text)");
        assertRefused("{\"k\": [1, 2.5]}", o -> o.integers("k", null), "k: [1,2.5] (expected a list of whole numbers)");
        assertRefused("{\"k\": \"a\"}", o -> o.texts("k", null), "k: \"a\" (expected a list of texts)");
        assertRefused("{\"k\": [1]}", o -> o.range("k", 0, 1),
                "k: [1] (expected [low, high], high a number or \"inf\")");
        assertRefused("{\"k\": [1, \"sup\"]}", o -> o.range("k", 0, 1),
                "k: [1,\"sup\"] (expected [low, high], high a number or \"inf\")");
        assertRefused("{\"k\": []}", o -> o.object("k"), "k: [] (expected an object)");
        assertRefused("{\"a\": {\"b\": {\"k\": 1}}}", o -> o.object("a").object("b").bool("k", true),
                "a.b.k: 1 (expected true or false)");
        assertRefused("{\"a\": {\"x\": 1, \"z\": 2}}", o -> o.object("a").onlyKnown(Set.of("x")),
                "a.z: unknown argument (expected one of [x])");
        JsonObject huge = parse("{\"k\": 1e400, \"n\": " + "9".repeat(900) + ", \"t\": \"" + "x".repeat(500) + "\"}");
        for (String key : List.of("k", "n", "t")) {
            assertThatThrownBy(() -> huge.number(key, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .satisfies(e -> assertThat(e.getMessage()).startsWith(key + ": ").hasSizeLessThan(150));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", " ", "null", "[]", "1", "\"{}\"", "{", "{} {}", "{}x", "{\"a\": NaN}", "{\"a\": Infinity}",
                "{\"a\": 1,}",
                "{\"a\": 1, \"a\": 2}", "{a: 1}", "{'a': 1}", "{\"a\": 01}", "// c\n{}", "\u0000{}"
            })
    void whatIsNoJsonObjectIsRefused(String text) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("a.json: not ");
    }

    @Test
    void attacksAreRefused() {
        assertThatThrownBy(() -> parse("{\"a\": " + "[".repeat(100_000))).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> parse("{\"a\": " + "9".repeat(100_000) + "}")).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> parse(" ".repeat(1 << 23) + "{}"))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("expected at most 4194304");
    }
}
