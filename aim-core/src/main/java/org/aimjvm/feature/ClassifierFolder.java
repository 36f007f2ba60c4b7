package org.aimjvm.feature;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.aimjvm.backend.Backend;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.NamedTensors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A classifier's files.
 *
 * <pre>
 * model.safetensors   conv.*, norm.*, features.*, head.*
 * config.json         channels, side, classes, width, features; class_names by label; recipe, how it was made
 * </pre>
 *
 * @param classifier as it was written
 * @param classNames by label
 * @param recipe how it was made
 */
public record ClassifierFolder(Classifier classifier, List<String> classNames, Recipe recipe) {
    private static final Set<String> KEYS =
            Set.of("channels", "side", "classes", "width", "features", "class_names", "recipe");

    public ClassifierFolder {
        classNames = List.copyOf(classNames);
        if (classNames.size() != classifier.config().classes()) {
            throw new IllegalArgumentException("class_names: " + classNames.size() + " (expected "
                    + classifier.config().classes() + ", the classifier's classes)");
        }
    }

    /**
     * Writes a classifier, in F32, so that {@link #read} gives the same bits. A new folder appears at once with both
     * files.
     *
     * @param classNames by label. Not modified
     * @param recipe how it was made
     * @throws IllegalArgumentException if there are not as many names as classes, before anything is written
     * @throws CheckpointException if it cannot be written
     */
    public static void write(Path folder, Classifier classifier, List<String> classNames, Recipe recipe) {
        String json = new ClassifierFolder(classifier, classNames, recipe).toJson();
        SafeTensorsWriter file = new SafeTensorsWriter().metadata("format", "pt");
        classifier.params().all().forEach((name, t) -> NamedTensors.add(file, name, t));
        try (StagedFolder staged = StagedFolder.into(folder)) {
            file.write(staged.folder().resolve(ModelFolder.WEIGHTS));
            AtomicFiles.write(staged.folder().resolve(ModelFolder.CONFIG), json.getBytes(StandardCharsets.UTF_8));
            staged.commit();
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    private String toJson() {
        ClassifierConfig c = classifier.config();
        ObjectNode n = JsonMapper.shared().createObjectNode();
        n.put("channels", c.channels());
        n.put("side", c.side());
        n.put("classes", c.classes());
        n.put("width", c.width());
        n.put("features", c.features());
        classNames.forEach(n.putArray("class_names")::add);
        n.set("recipe", JsonMapper.shared().readTree(recipe.toJson()));
        return n.toPrettyString() + "\n";
    }

    /**
     * Reads a classifier, to use or to train it further.
     *
     * @throws CheckpointException if files are missing or damaged, or do not fit each other
     */
    public static ClassifierFolder read(Path folder, Backend backend) {
        Path configFile = folder.resolve(ModelFolder.CONFIG);
        if (!Files.exists(configFile)) {
            throw new CheckpointException(
                    configFile, null, "no such file, expected a classifier's folder, see write");
        }
        try (TensorSource weights = SafeTensors.open(folder.resolve(ModelFolder.WEIGHTS))) {
            JsonObject json = JsonObject.parse(Files.readString(configFile), configFile);
            json.onlyKnown(KEYS);
            ClassifierConfig config = new ClassifierConfig(
                    json.integer("channels", 0), json.integer("side", 0), json.integer("classes", 0),
                    json.integer("width", 0), json.integer("features", 0));
            Params params = Params.from(backend, weights, p -> new Classifier(p, config));
            return new ClassifierFolder(
                    new Classifier(params, config), json.texts("class_names", List.of()), Recipe.of(json, "recipe"));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(configFile, null, e.getMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(configFile, null, "cannot be read: " + e.getMessage(), e);
        }
    }
}
