package org.aimjvm.measure;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.aimjvm.backend.DType;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorInfo;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimRole;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;

/**
 * Random weights of an architecture as if from a file: the initial ones, except that conditioning layers, which start as zeros and
 * would switch every block off, are normal with standard deviation 0.02 and the embeddings, which start small, are ten times as
 * large. So all layers count for what comes out.
 */
public final class RandomCheckpoint implements TensorSource {
    private static final double DEVIATION = 0.02;
    private static final float EMBEDDING_GAIN = 10;

    private final Params listing;

    public RandomCheckpoint(AimConfig config, long seed) {
        this.listing = Params.listing(seed);
        new AimModel(listing, config, PositionRule.SEQUENCE_INDEX);
    }

    @Override
    public Path path() {
        return Path.of("random");
    }

    @Override
    public Set<String> names() {
        return listing.all().keySet();
    }

    @Override
    public TensorInfo info(String name) {
        Tensor t = listing.all().get(name);
        return new TensorInfo(name, DType.F32, t.shape());
    }

    @Override
    public float[] readFloats(String name) {
        float[] values = listing.initialValues(name);
        switch ((AimRole) listing.role(name)) {
            case CONDITIONING -> {
                if (isZero(values)) {
                    SplittableRandom random = new SplittableRandom(name.hashCode());
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) random.nextGaussian(0, DEVIATION);
                    }
                }
            }
            case WORDS, POSITIONS, CLASSES -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] *= EMBEDDING_GAIN;
                }
            }
            case MIXERS, MLPS, NORMS, HEAD -> {
                // as they start
            }
        }
        return values;
    }

    private static boolean isZero(float[] values) {
        for (float v : values) {
            if (v != 0) {
                return false;
            }
        }
        return true;
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
