package org.aimjvm.verify;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SplitMix64;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorInfo;
import org.aimjvm.io.TensorSource;

/**
 * Weights made by a rule from their names, so that golden data of large networks need no file. Number i of tensor NAME
 * is u, the top 24 bits of SplitMix64's output i + 1 from the state FNV-1a-64(NAME) + seed * gamma, divided by 2^24,
 * and then turned into what suits the tensor (golden README, "Evaluation").
 */
final class ProceduralWeights implements TensorSource {
    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    private final long seed;
    private final Map<String, Shape> shapes;

    ProceduralWeights(long seed, Map<String, Shape> shapes) {
        this.seed = seed;
        this.shapes = Collections.unmodifiableMap(shapes);
    }

    @Override
    public Path path() {
        return Path.of("procedural weights");
    }

    @Override
    public Set<String> names() {
        return shapes.keySet();
    }

    @Override
    public TensorInfo info(String name) {
        Shape shape = shapes.get(name);
        if (shape == null) {
            throw new CheckpointException(path(), name, "no such tensor");
        }
        return new TensorInfo(name, DType.F32, shape);
    }

    @Override
    public float[] readFloats(String name) {
        Shape shape = info(name).shape();
        long state = FNV_OFFSET;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            state = (state ^ (b & 0xff)) * FNV_PRIME;
        }
        state += seed * SplitMix64.GAMMA;
        float[] values = new float[shape.size()];
        int fanIn = shape.rank() < 2 ? 1 : shape.size() / shape.dim(0);
        double bound = Math.sqrt(6.0 / fanIn);
        for (int i = 0; i < values.length; i++) {
            double u = (SplitMix64.mix(state + i * SplitMix64.GAMMA) >>> 40) * 0x1p-24;
            values[i] = (float) value(name, u, bound);
        }
        return values;
    }

    private static double value(String name, double u, double bound) {
        if (name.endsWith("bn.weight") || name.endsWith("running_var")) {
            return 0.5 + u;
        }
        if (name.endsWith("bias") || name.endsWith("running_mean")) {
            return 0.2 * u - 0.1;
        }
        return name.startsWith("lin") ? 0.1 * u : (2 * u - 1) * bound;
    }

    @Override
    public int[] readInts(String name) {
        throw new CheckpointException(path(), name, "type F32, expected an integer type");
    }

    @Override
    public long[] readLongs(String name) {
        throw new CheckpointException(path(), name, "type F32, expected an integer type");
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public void close() {
        // nothing is open
    }
}
