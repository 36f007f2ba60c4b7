package org.aimjvm.cli.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.Outcome;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The recipes in the repository. */
class RecipeFileTest {
    private static final Path RECIPES = Path.of("../recipes");

    /** Every setting of the file is an option of the model's recipe, and the other way round. */
    @ParameterizedTest
    @ValueSource(strings = "fashion")
    void anEmbeddedModelWasMadeByTheRecipeOfItsName(String name) throws IOException {
        Recipe told = ModelRecipes.read("../aim-model-" + name + "/src/main/resources/org/aimjvm/models/" + name);
        RecipeFile written = RecipeFile.read(RECIPES.resolve(name + ".yaml"));
        assertThat(written.name()).isEqualTo(name);
        for (Section section : List.of(Section.TOKENIZER, Section.CODES, Section.MODEL)) {
            Map<String, String> options = new TreeMap<>();
            told.last(section.stage().orElseThrow()).orElseThrow().options()
                    .forEach((option, value) -> options.put(option, RecipeStage.text(value)));
            options.keySet().removeAll(List.of("data", "model", "tokenizer"));
            Map<String, String> settings = new TreeMap<>();
            written.section(section).orElseThrow().forEach((option, s) -> settings.put(option, number(s.text())));
            assertThat(settings).isEqualTo(options);
        }
    }

    private static String number(String text) {
        return text.matches("[0-9.e-]+") ? RecipeStage.text(Double.valueOf(text)) : text;
    }

    @ParameterizedTest
    @ValueSource(strings = {"fashion", "tiny"})
    void theyCanBeRun(String name) {
        Outcome checked = Outcome.of("recipe", "check", RECIPES.resolve(name + ".yaml").toString());
        assertThat(checked.exit()).isZero();
        assertThat(checked.out()).contains("aim train vq --").contains("aim evaluate --");
    }
}
