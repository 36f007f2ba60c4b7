package org.aimjvm.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.aimjvm.backend.WeightMatrix;

/**
 * A checkpoint in several files, by its index: {@code model.safetensors.index.json} or {@code
 * pytorch_model.bin.index.json} with {@code {"weight_map": {tensor: file}}}, the files beside it.
 *
 * <p>All files are opened at once; each must hold exactly the tensors that the index says it holds.
 */
final class ShardedTensors implements TensorSource {
    /** How the name of an index ends. */
    static final String SUFFIX = ".index.json";

    private static final long MAX_INDEX = 1 << 24;
    private static final int MAX_FILES = 10_000;
    private static final int NAMES_SHOWN = 5;

    private final Path index;
    private final Map<String, TensorSource> files = new LinkedHashMap<>();
    private final Map<String, TensorSource> holders = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private ShardedTensors(Path index) {
        this.index = index;
    }

    /**
     * Opens the index and every file it names.
     *
     * @param shard opens one file
     * @throws CheckpointException if the index is damaged or names anything but files beside it, if files are missing
     *     (all are named), or if a file does not hold what the index says
     */
    static ShardedTensors open(Path index, Function<Path, TensorSource> shard) {
        Map<String, String> map = read(index);
        ShardedTensors all = new ShardedTensors(index);
        boolean done = false;
        try {
            all.openFiles(new TreeSet<>(map.values()), shard);
            all.locate(map);
            done = true;
            return all;
        } finally {
            if (!done) {
                all.close();
            }
        }
    }

    /** The files that an index names, which {@link #open} has checked, in the order of their names. */
    static List<Path> files(Path index) {
        return new TreeSet<>(read(index).values()).stream().map(index::resolveSibling).toList();
    }

    private static Map<String, String> read(Path index) {
        String json;
        try {
            if (Files.size(index) > MAX_INDEX) {
                throw new CheckpointException(
                        index, null, Files.size(index) + " bytes, expected an index of at most " + MAX_INDEX);
            }
            json = Files.readString(index);
        } catch (IOException e) {
            throw new CheckpointException(index, null, "cannot be read as text: " + e.getMessage(), e);
        }
        try {
            return JsonObject.parse(json, index).object("weight_map").textsByKey();
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(index, null, e.getMessage(), e);
        }
    }

    private void openFiles(Set<String> names, Function<Path, TensorSource> shard) {
        if (names.isEmpty() || names.size() > MAX_FILES) {
            throw new CheckpointException(
                    index, null, "weight_map: " + names.size() + " files, expected 1 to " + MAX_FILES);
        }
        List<String> missing = new ArrayList<>();
        for (String name : names) {
            if (name.isBlank() || name.equals("..") || name.equals(".") || !name.matches("[^/\\\\:\\x00]+")) {
                throw new CheckpointException(
                        index, null, "weight_map: file " + CheckpointException.shorten(name)
                                + ", expected the name of a file beside the index");
            }
            if (!Files.isRegularFile(index.resolveSibling(name))) {
                missing.add(name);
            }
        }
        if (!missing.isEmpty()) {
            throw new CheckpointException(
                    index, null, "missing " + missing.size() + " of " + names.size() + " files: "
                            + shown(missing) + " (expected beside the index; fetch them too)");
        }
        names.forEach(name -> files.put(name, shard.apply(index.resolveSibling(name))));
    }

    private void locate(Map<String, String> map) {
        map.forEach((tensor, file) -> {
            TensorSource source = files.get(file);
            if (!source.contains(tensor)) {
                throw new CheckpointException(
                        source.path(), tensor, "no such tensor, expected one as " + index.getFileName() + " says");
            }
            holders.put(tensor, source);
        });
        files.forEach((file, source) -> {
            List<String> others = source.names().stream().filter(n -> holders.get(n) != source).toList();
            if (!others.isEmpty()) {
                throw new CheckpointException(
                        source.path(), null, "tensors " + shown(others) + ", expected only those that "
                                + index.getFileName() + " puts there");
            }
            source.metadata().forEach(metadata::putIfAbsent);
        });
    }

    private static String shown(List<String> names) {
        String first = String.join(
                ", ", names.stream().limit(NAMES_SHOWN).map(CheckpointException::shorten).toList());
        return names.size() <= NAMES_SHOWN ? first : first + " and " + (names.size() - NAMES_SHOWN) + " more";
    }

    private TensorSource holder(String name) {
        TensorSource source = holders.get(name);
        if (source == null) {
            throw new CheckpointException(index, name, "no such tensor");
        }
        return source;
    }

    @Override
    public Path path() {
        return index;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(holders.keySet());
    }

    @Override
    public TensorInfo info(String name) {
        return holder(name).info(name);
    }

    @Override
    public String storedAs(String name) {
        return holder(name).storedAs(name);
    }

    @Override
    public float[] readFloats(String name) {
        return holder(name).readFloats(name);
    }

    @Override
    public WeightMatrix matrix(String name) {
        return holder(name).matrix(name);
    }

    @Override
    public int[] readInts(String name) {
        return holder(name).readInts(name);
    }

    @Override
    public byte[] readBytes(String name) {
        return holder(name).readBytes(name);
    }

    @Override
    public long[] readLongs(String name) {
        return holder(name).readLongs(name);
    }

    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    @Override
    public void close() {
        files.values().forEach(TensorSource::close);
    }
}
