package org.aimjvm.measure;

import java.util.Map;
import java.util.function.ToLongFunction;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimRole;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.tensor.Tensor;

/**
 * The least cost of a sequence model: what it must read, write and compute for one element of each sequence: a floor,
 * nothing of it twice.
 *
 * <p>Weights are read once for all sequences of a step. What depends on the labels alone (adaLN) is computed once per
 * picture, and of the tables of positions, classes and (if the head is a matrix of its own) words a row is looked up:
 * none of these counts. The states of the recurrence and of the convolution are read and written; keys and values of
 * attention are read up to the position, and one of each is written.
 *
 * @param weightBytes read per step
 * @param stateBytes read and written per step and sequence, without attention
 * @param cacheBytesPerPosition read per step, sequence and earlier position, by attention
 * @param flops per step and sequence, a multiply-add counting as two, without what attention does with earlier
 *     positions
 * @param flopsPerPosition the same for each earlier position, by attention
 */
public record LmCost(
        long weightBytes, long stateBytes, long cacheBytesPerPosition, double flops, double flopsPerPosition) {
    private static final int F32 = 4;

    /**
     * @param params those of the model
     * @param bytes how many a tensor takes in its format
     */
    public static LmCost of(AimConfig config, Params params, ToLongFunction<Tensor> bytes) {
        long weightBytes = 0;
        double flops = 0;
        for (Map.Entry<String, Tensor> e : params.all().entrySet()) {
            if (isReadEveryStep((AimRole) params.role(e.getKey()), config)) {
                weightBytes += bytes.applyAsLong(e.getValue());
                flops += e.getValue().shape().rank() >= 2 ? 2.0 * e.getValue().size() : 0;
            }
        }
        int attending = (int) config.attentionLayers().stream().distinct().count();
        int recurrent = config.nLayer() - attending;
        long cache = 0;
        double mixing = 0;
        if (attending > 0) {
            cache = 2L * F32 * config.attention().numHeadsKv() * config.attention().headDim() * attending;
            mixing = 4.0 * config.attention().numHeads() * config.attention().headDim() * attending;
        }
        return new LmCost(
                weightBytes, 2L * recurrent * stateBytes(config, StateFormat.F32), cache,
                flops + recurrent * scanFlops(config), mixing);
    }

    /** This with the states of the recurrence held in another format, for a model of {@code config}. */
    public LmCost withStates(AimConfig config, StateFormat states) {
        int recurrent = config.nLayer() - (int) config.attentionLayers().stream().distinct().count();
        return new LmCost(
                weightBytes, 2L * recurrent * stateBytes(config, states), cacheBytesPerPosition, flops,
                flopsPerPosition);
    }

    /** Of F32 weights and states, without making them. */
    public static LmCost of(AimConfig config) {
        return of(config, listing(config), t -> (long) F32 * t.size());
    }

    /** Bytes of a weight matrix in {@code format}, its scales with it. */
    static long matrixBytes(Shape shape, WeightFormat format) {
        long size = shape.size();
        return switch (format) {
            case F32 -> 4 * size;
            case BF16 -> 2 * size;
            case INT8 -> size + 4L * shape.dim(0);
            case INT4 -> format.fits(shape.dim(1)) ? size / 2 + size / WeightFormat.BLOCK * 2 : 2 * size;
        };
    }

    /** Names and shapes of a model's tensors, without data. */
    static Params listing(AimConfig config) {
        Params params = Params.shapesOnly();
        new AimModel(params, config, PositionRule.SEQUENCE_INDEX);
        return params;
    }

    private static boolean isReadEveryStep(AimRole role, AimConfig config) {
        return switch (role) {
            case CONDITIONING, POSITIONS, CLASSES -> false;
            case WORDS -> config.tieEmbeddings();
            case MIXERS, MLPS, NORMS, HEAD -> true;
        };
    }

    /** Of a layer and sequence; the windows of the convolution are F32. */
    private static long stateBytes(AimConfig config, StateFormat states) {
        return switch (config.ssm()) {
            case Mamba2Config c -> (long) states.dtype().bytes() * c.ssmDim() * c.dState()
                    + (long) F32 * c.convDim() * c.dConv();
            case Mamba1Config c -> (long) F32 * c.dModel() * c.expand() * (c.dState() + c.dConv());
        };
    }

    /** Five operations per element of the state: decay, a multiply-add of the input, a multiply-add of the output. */
    private static double scanFlops(AimConfig config) {
        return switch (config.ssm()) {
            case Mamba2Config c -> 5.0 * c.ssmDim() * c.dState();
            case Mamba1Config c -> 5.0 * c.dModel() * c.expand() * c.dState();
        };
    }

    /** Bytes per step of {@code sequences} at {@code position} moves. */
    public double bytes(int sequences, double position) {
        return weightBytes + sequences * (stateBytes + cacheBytesPerPosition * position);
    }

    /** Operations per step of {@code sequences} at {@code position} takes. */
    public double flops(int sequences, double position) {
        return sequences * (flops + flopsPerPosition * position);
    }
}
