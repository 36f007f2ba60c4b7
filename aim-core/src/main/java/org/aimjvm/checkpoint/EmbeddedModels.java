package org.aimjvm.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import org.aimjvm.io.CheckpointException;

/**
 * Models that are resources on the class path: the files of a model folder under {@code org/aimjvm/models/NAME/}. A jar
 * lists its models, one name a line, in {@code org/aimjvm/models/index.txt}; the list only serves to tell users what
 * there is.
 */
final class EmbeddedModels {
    private static final String ROOT = "org/aimjvm/models/";
    private static final String INDEX = ROOT + "index.txt";
    private static final int MAX_BYTES = 1 << 28;

    private EmbeddedModels() {}

    /** Names of the models that jars on the class path list and have, sorted. */
    static List<String> names() {
        TreeSet<String> names = new TreeSet<>();
        try {
            for (URL index : Collections.list(loader().getResources(INDEX))) {
                try (InputStream in = index.openStream()) {
                    new String(in.readNBytes(1 << 16), StandardCharsets.UTF_8).lines().map(String::strip)
                            .forEach(names::add);
                }
            }
        } catch (IOException e) {
            throw new CheckpointException(Path.of(INDEX), null, "cannot be read: " + e.getMessage(), e);
        }
        names.removeIf(name -> !contains(name));
        return List.copyOf(names);
    }

    /** Whether there is a model of that name. */
    static boolean contains(String name) {
        return name.matches("[a-z][a-z0-9-]{0,63}") && loader().getResource(place(name) + ModelFolder.CONFIG) != null;
    }

    /** Where the files of a model are looked for. */
    static String place(String name) {
        return ROOT + name + "/";
    }

    /**
     * A file of a model, {@code null} if there is none.
     *
     * @param name of a model for which {@link #contains} holds
     */
    static byte[] file(String name, String file) {
        try (InputStream in = loader().getResourceAsStream(place(name) + file)) {
            if (in == null) {
                return null;
            }
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new CheckpointException(path(name).resolve(file), null,
                        "larger than " + MAX_BYTES + " bytes (expected a file on the disk for a model of this size)");
            }
            return bytes;
        } catch (IOException e) {
            throw new CheckpointException(path(name).resolve(file), null, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** Names the model in messages. */
    static Path path(String name) {
        return Path.of("embedded", name);
    }

    private static ClassLoader loader() {
        return EmbeddedModels.class.getClassLoader();
    }
}
