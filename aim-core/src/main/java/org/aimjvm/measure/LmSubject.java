package org.aimjvm.measure;

import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.Generator;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/** A sequence model with random weights, and a generator that draws its codes: times do not depend on the weights' values. */
public final class LmSubject {
    private static final long MEBIBYTE = 1 << 20;
    /** Classes, codes in flight, the JVM's own. */
    private static final long BASE_BYTES = 192 * MEBIBYTE;

    private final String name;
    private final WeightFormat weights;
    private final AimModel model;
    private final Generator generator;
    private final LmCost cost;

    private LmSubject(String name, WeightFormat weights, AimModel model, LmCost cost) {
        this.name = name;
        this.weights = weights;
        this.model = model;
        this.cost = cost;
        this.generator = new Generator(model, smallTokenizer(model));
    }

    /**
     * A model as it is loaded for generating.
     *
     * @param name for reports
     */
    public static LmSubject random(Backend backend, String name, AimConfig config, WeightFormat weights) {
        return build(name, config, weights, Params.random(backend, 0, weights));
    }

    /** A model that can be trained, in F32. */
    public static LmSubject trainable(Backend backend, String name, AimConfig config) {
        return build(name, config, WeightFormat.F32, Params.random(backend, 0));
    }

    /**
     * The same model, weights and all, with its states held in another format.
     *
     * @throws IllegalArgumentException if it cannot, see {@link AimModel#withStates}
     */
    public LmSubject withStates(StateFormat states) {
        return new LmSubject(name, weights, model.withStates(states), cost.withStates(config(), states));
    }

    private static LmSubject build(String name, AimConfig config, WeightFormat weights, Params params) {
        AimModel model = new AimModel(params, config, PositionRule.SEQUENCE_INDEX);
        LmCost cost = LmCost.of(
                config, params,
                t -> t.storage().isFrozen() ? LmCost.matrixBytes(t.shape(), weights) : 4L * t.size());
        return new LmSubject(name, weights, model, cost);
    }

    /** The generator wants one; drawing is ended before it would be used. */
    private static VqModel smallTokenizer(AimModel model) {
        VqConfig config = VqConfig.builder()
                .ch(8)
                .chMult(List.of(1))
                .numResBlocks(1)
                .zChannels(8)
                .nEmbed(model.config().vocabSize())
                .channels(1, 1)
                .normGroups(1)
                .build();
        return new VqModel(Params.random(model.backend(), 0), config);
    }

    /**
     * Bytes of heap that decoding {@code sequences} at once, or a prefill of as many whole sequences, takes at most, with room
     * for what is made on the way: an estimate, not a bound.
     */
    public static long bytesToDecode(AimConfig config, WeightFormat format, int sequences, boolean prefill) {
        long weights = 0;
        long largest = 0;
        for (Tensor t : LmCost.listing(config).all().values()) {
            weights += t.shape().rank() == 2 ? LmCost.matrixBytes(t.shape(), format) : 4L * t.size();
            largest = Math.max(largest, 4L * t.size());
        }
        LmCost cost = LmCost.of(config);
        long states = sequences * (cost.stateBytes() / 2 + cost.cacheBytesPerPosition() * (config.numTokens() + 1));
        long rows = prefill ? (long) sequences * config.numTokens() : sequences;
        long activations = 4L * rows * (config.vocabSize() + 32L * config.dModel());
        return BASE_BYTES + LimitMeter.MEBIBYTES * MEBIBYTE + weights + 2 * largest + 2 * states + activations;
    }

    /** As {@link #bytesToDecode} for training steps of {@code batch} whole sequences. */
    public static long bytesToTrain(AimConfig config, int batch) {
        long parameters = LmCost.listing(config).all().values().stream().mapToLong(Tensor::size).sum();
        long tokens = (long) batch * config.numTokens();
        long activations = 4L * tokens * (config.nLayer() * 24L * config.dModel() + 4L * config.vocabSize());
        return BASE_BYTES + LimitMeter.MEBIBYTES * MEBIBYTE + 16 * parameters + activations;
    }

    public String name() {
        return name;
    }

    /** Format of the weights. */
    public WeightFormat weights() {
        return weights;
    }

    /** Format of the states. */
    public StateFormat states() {
        return model.states();
    }

    public AimModel model() {
        return model;
    }

    public AimConfig config() {
        return model.config();
    }

    public LmCost cost() {
        return cost;
    }

    Generator generator() {
        return generator;
    }

    /** Random codes. */
    int[] codes(int count) {
        SplittableRandom random = new SplittableRandom(0);
        return random.ints(count, 0, config().vocabSize()).toArray();
    }
}
