package org.aimjvm.cli.recipe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.command.Models;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;

/** The recipes that models carry: in {@code aim.json}, or in a classifier's {@code config.json}. */
public final class ModelRecipes {
    private ModelRecipes() {}

    /**
     * The recipe of a model.
     *
     * @param model folder, file of weights, the file {@code aim.json} itself, or the name of an embedded model
     * @throws CheckpointException if there is none, or it is damaged or of another version
     */
    public static Recipe read(String model) throws IOException {
        Path path = Path.of(model);
        if (Files.isRegularFile(path) && path.endsWith(ModelInfo.FILE)) {
            return ModelInfo.parse(Files.readString(path), path).recipe();
        }
        Path config = path.resolve(ModelFolder.CONFIG);
        if (Files.exists(config) && !Files.exists(path.resolve(ModelInfo.FILE))) {
            try {
                return Recipe.of(JsonObject.parse(Files.readString(config), config), "recipe");
            } catch (IllegalArgumentException e) {
                throw new CheckpointException(config, null, e.getMessage(), e);
            }
        }
        try (ModelFolder folder = Models.open(model)) {
            return folder.info().recipe();
        }
    }
}
