package org.aimjvm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.io.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeTest {
    private static final Path WHERE = Path.of("aim.json");

    private static RecipeStage stage(String name) {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("steps", 1400L);
        options.put("lr", 1e-3);
        options.put("flip", true);
        options.put("center-crop", false);
        options.put("ch-mult", List.of("1", "2", "2"));
        options.put("schedule", "cosine");
        return new RecipeStage(
                name, "aim train " + name, options, new RecipeStage.Data("fashion", "abc", 60_000, 10),
                new RecipeStage.BegunFrom("m", "00ff", "weights any"), "0.1.0");
    }

    @Test
    void whatIsWrittenIsRead() {
        for (Recipe recipe : List.of(
                Recipe.NONE, Recipe.text("by hand\nin two lines"), Recipe.NONE.then(stage("vq")),
                Recipe.text("before").then(stage("vq")).then(stage("lm")))) {
            Recipe read = Recipe.parse(recipe.toFile(), WHERE);
            assertThat(read).isEqualTo(recipe);
            assertThat(read.stages()).extracting(s -> List.copyOf(s.options().keySet()))
                    .isEqualTo(recipe.stages().stream().map(s -> List.copyOf(s.options().keySet())).toList());
        }
    }

    @Test
    void whatTwoPartsShareIsToldOnce() {
        Recipe tokenizer = Recipe.text("drawn").then(stage("vq"));
        Recipe model = tokenizer.then(stage("lm"));
        assertThat(tokenizer.then(model)).isEqualTo(model);
        assertThat(model.last("vq")).contains(stage("vq"));
        assertThat(model.last("codes")).isEmpty();
    }

    @Test
    void linesAreTheCommands() {
        assertThat(Recipe.text("drawn").then(stage("vq")).lines()).containsExactly(
                "drawn", "# m: SHA-256 of the weights 00ff",
                "# fashion: 60000 pictures of 10 classes, fingerprint abc",
                "aim train vq --steps 1400 --lr 0.001 --flip --ch-mult 1,2,2 --schedule cosine");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{'version':2,'stages':[]}                            | recipe: version 2 (expected 1; read it with",
        "{'stages':[]}                                        | recipe: version 0 (expected 1; read it with",
        "{'version':1,'stages':3}                             | recipe.stages: 3 (expected a list of objects)",
        "{'version':1,'stages':[3]}                           | recipe.stages: [3] (expected a list of objects)",
        "{'version':1,'steps':[]}                             | recipe.steps: unknown argument",
        "{'version':1,'stages':[{}]}                          | recipe: a stage without a name",
        "{'version':1,'stages':[{'stage':'vq','x':1}]}        | recipe.stages[0].x: unknown argument",
        "{'version':1,'stages':[{'stage':'vq','options':{'a':{}}}]} | recipe.stages[0].options.a: {} (expected true, false",
        "{'version':1,'stages':[{'stage':'vq','options':{'a':[1]}}]} | recipe.stages[0].options.a: [1] (expected a list of",
        "{'version':1,'stages':[{'stage':'vq','data':{'pictures':-1}}]} | data: -1 pictures of 0 classes",
        "[]                                                   | recipe: [] (expected a text)",
    })
    void damagedRecipesAreOneLine(String json, String message) {
        String file = "{\"recipe\": " + json.replace('\'', '"') + "}";
        assertThatThrownBy(() -> ModelInfo.parse(file, WHERE)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(message).hasMessageStartingWith("aim.json");
    }

    @Test
    void anOptionIsAPlainValue() {
        assertThatThrownBy(() -> new RecipeStage("vq", "aim train vq", Map.of("steps", 3), null, null, ""))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("option steps: 3 (expected");
    }

    @Test
    void numbersAreTextAsTheCommandLineTakesThem() {
        assertThat(RecipeStage.text(4e-4)).isEqualTo("0.0004");
        assertThat(RecipeStage.text(1.0)).isEqualTo("1");
        assertThat(RecipeStage.text(3e-20)).isEqualTo("3E-20");
        assertThat(RecipeStage.text(7L)).isEqualTo("7");
        assertThat(RecipeStage.text(List.of("a", "b"))).isEqualTo("a,b");
    }
}
