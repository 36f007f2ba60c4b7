package org.aimjvm.io;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.WeightMatrix;

/** Tensors of one or two other sources under names of its own. */
final class TensorView implements TensorSource {
    private record Origin(TensorSource source, String name) {}

    private final List<TensorSource> sources;
    private final Map<String, Origin> origins;
    private final Map<String, String> metadata;

    private TensorView(List<TensorSource> sources, Map<String, Origin> origins, Map<String, String> metadata) {
        this.sources = sources;
        this.origins = Collections.unmodifiableMap(origins);
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    static TensorView of(TensorSource source, Map<String, String> metadata) {
        Map<String, Origin> origins = new LinkedHashMap<>();
        source.names().forEach(name -> origins.put(name, new Origin(source, name)));
        return new TensorView(List.of(source), origins, new LinkedHashMap<>(metadata));
    }

    static TensorView of(TensorSource source, Predicate<String> keep, UnaryOperator<String> rename) {
        Map<String, Origin> origins = new LinkedHashMap<>();
        for (String name : source.names()) {
            if (keep.test(name)) {
                add(origins, rename.apply(name), new Origin(source, name));
            }
        }
        return new TensorView(List.of(source), origins, source.metadata());
    }

    static TensorView merged(TensorSource first, TensorSource second) {
        Map<String, Origin> origins = new LinkedHashMap<>();
        for (TensorSource source : List.of(first, second)) {
            source.names().forEach(name -> add(origins, name, new Origin(source, name)));
        }
        Map<String, String> metadata = new LinkedHashMap<>(first.metadata());
        second.metadata().forEach(metadata::putIfAbsent);
        return new TensorView(List.of(first, second), origins, metadata);
    }

    private static void add(Map<String, Origin> origins, String name, Origin origin) {
        Origin before = origins.putIfAbsent(name, origin);
        if (before != null) {
            throw new CheckpointException(
                    origin.source.path(),
                    name,
                    "the name is taken by " + before.name + " of " + before.source.path() + " (expected once)");
        }
    }

    private Origin origin(String name) {
        Origin origin = origins.get(name);
        if (origin == null) {
            throw new CheckpointException(path(), name, "no such tensor");
        }
        return origin;
    }

    @Override
    public Path path() {
        return sources.getFirst().path();
    }

    @Override
    public Set<String> names() {
        return origins.keySet();
    }

    @Override
    public TensorInfo info(String name) {
        Origin origin = origin(name);
        return origin.source.info(origin.name).named(name);
    }

    @Override
    public float[] readFloats(String name) {
        Origin origin = origin(name);
        return origin.source.readFloats(origin.name);
    }

    @Override
    public String storedAs(String name) {
        Origin origin = origin(name);
        return origin.source.storedAs(origin.name);
    }

    @Override
    public WeightMatrix matrix(String name) {
        Origin origin = origin(name);
        return origin.source.matrix(origin.name);
    }

    @Override
    public int[] readInts(String name) {
        Origin origin = origin(name);
        return origin.source.readInts(origin.name);
    }

    @Override
    public byte[] readBytes(String name) {
        Origin origin = origin(name);
        return origin.source.readBytes(origin.name);
    }

    @Override
    public long[] readLongs(String name) {
        Origin origin = origin(name);
        return origin.source.readLongs(origin.name);
    }

    @Override
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public void close() {
        // Sources only release memory maps on closing, which does not fail.
        sources.forEach(TensorSource::close);
    }
}
