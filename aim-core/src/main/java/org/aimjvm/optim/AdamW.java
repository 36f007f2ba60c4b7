package org.aimjvm.optim;

import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Tensor;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019) over named parameters, with clipping of the global
 * gradient norm. The moments are F32, owned by no scope.
 *
 * <p>A parameter that has no gradient in a step (the loss did not depend on it) is neither moved nor decayed and keeps
 * its moments; the bias correction counts steps of the optimiser, not of the parameter.
 */
public final class AdamW {
    private static final String FIRST = "exp_avg.";
    private static final String SECOND = "exp_avg_sq.";
    /** Metadata of a saved state: steps made. */
    static final String STEP = "step";
    /** Added to the norm before dividing, as the usual clipping routine does. */
    private static final double CLIP_EPS = 1e-6;

    private record Moments(Tensor first, Tensor second) {}

    private final Map<String, Tensor> params;
    private final Map<String, Moments> moments = new LinkedHashMap<>();
    private final AdamWOptions options;
    private int steps;

    /** Bytes in use on the device of the parameters. */
    public long bytesInUse() {
        return params.values().stream().findFirst().map(p -> p.backend().bytesInUse()).orElse(0L);
    }

    /**
     * @param params by name, updated in place in the map's order; the map is copied, the tensors are Modified by
     *     {@link #step}
     */
    public AdamW(Map<String, Tensor> params, AdamWOptions options) {
        this.params = new LinkedHashMap<>(params);
        this.options = options;
        this.params.forEach((name, p) -> {
            if (!p.isParameter()) {
                throw new IllegalArgumentException(name + ": a tensor that wants no gradient (expected a parameter)");
            }
            moments.put(
                    name,
                    new Moments(
                            Tensor.persistent(p.backend(), p.shape()), Tensor.persistent(p.backend(), p.shape())));
        });
    }

    /** Steps made. */
    public int steps() {
        return steps;
    }

    /**
     * One update with the gradients of one backward pass.
     *
     * @param lr the learning rate of this step: peak times factor of the schedule
     * @return the global gradient norm before clipping
     * @throws DivergenceException if the norm is not finite; nothing is changed then
     */
    public double step(Gradients gradients, double lr) {
        Map<String, Tensor> byName = new LinkedHashMap<>();
        params.forEach((name, p) -> {
            if (gradients.contains(p)) {
                byName.put(name, gradients.of(p));
            }
        });
        return step(byName, lr, 1);
    }

    /**
     * One update with {@code scale} times the given gradients.
     *
     * @param gradients by parameter name; parameters not in it stay as they are. Not modified
     * @param lr the learning rate of this step
     * @param scale factor on all gradients, 1 / n after summing n of them
     * @return the global norm {@code sqrt(sum of (scale g)^2)} before clipping, summed in F64 in the parameters' order
     * @throws DivergenceException if the norm is not finite; nothing is changed then
     */
    public double step(Map<String, Tensor> gradients, double lr, double scale) {
        double sum = 0;
        for (Map.Entry<String, Tensor> e : params.entrySet()) {
            Tensor g = gradients.get(e.getKey());
            if (g != null) {
                sum += g.backend().elementwise().sumOfSquares(g.storage(), g.size());
            }
        }
        double norm = Math.sqrt(sum) * scale;
        if (!Double.isFinite(norm)) {
            throw new DivergenceException("gradient norm: " + norm + " in optimiser step " + (steps + 1)
                    + ", expected a finite number (lower the learning rate, or clip)");
        }
        double clip = options.clipNorm() > 0 ? Math.min(1, options.clipNorm() / (norm + CLIP_EPS)) : 1;
        steps++;
        for (Map.Entry<String, Tensor> e : params.entrySet()) {
            Tensor g = gradients.get(e.getKey());
            if (g != null) {
                update(e.getValue(), moments.get(e.getKey()), g, (float) lr, (float) (scale * clip));
            }
        }
        return norm;
    }

    private void update(Tensor p, Moments m, Tensor g, float lr, float scale) {
        float decay = options.decayRule().applies(p) ? (float) options.weightDecay() : 0f;
        OptimKernels.AdamWStep step = new OptimKernels.AdamWStep(
                lr, (float) options.beta1(), (float) options.beta2(), (float) options.eps(), decay, scale, steps);
        p.backend()
                .optim()
                .adamW(p.storage(), m.first().storage(), m.second().storage(), g.storage(), p.size(), step);
    }

    /**
     * The moving average of a parameter's gradients after clipping, {@code m}. Not modified.
     *
     * @throws IllegalArgumentException if there is no parameter of that name
     */
    public Tensor firstMoment(String name) {
        return moments(name).first();
    }

    /** The moving average of the squares, {@code v}, as {@link #firstMoment}. */
    public Tensor secondMoment(String name) {
        return moments(name).second();
    }

    private Moments moments(String name) {
        Moments m = moments.get(name);
        if (m == null) {
            throw new IllegalArgumentException(name + ": unknown (expected a parameter of this optimiser)");
        }
        return m;
    }

    /** Forgets the moments of {@code count} elements of a parameter, from element {@code offset} on. */
    public void forget(String name, int offset, int count) {
        Moments m = moments.get(name);
        m.first().backend().fill(m.first().storage(), offset, count, 0f);
        m.second().backend().fill(m.second().storage(), offset, count, 0f);
    }

    /**
     * Adds the state to {@code file}: {@code exp_avg.<name>}, {@code exp_avg_sq.<name>} and the metadata {@code step}.
     * The moments are read when the file is written.
     */
    public void save(SafeTensorsWriter file) {
        file.metadata(STEP, Integer.toString(steps));
        moments.forEach((name, m) -> {
            NamedTensors.add(file, FIRST + name, m.first());
            NamedTensors.add(file, SECOND + name, m.second());
        });
    }

    /**
     * Restores the state that {@link #save} wrote for parameters of the same names and shapes.
     *
     * @throws CheckpointException if the file holds the state of other parameters; nothing is changed then
     */
    public void load(TensorSource file) {
        int step = NamedTensors.count(file, STEP);
        Map<String, Tensor> all = new LinkedHashMap<>();
        moments.forEach((name, m) -> {
            all.put(FIRST + name, m.first());
            all.put(SECOND + name, m.second());
        });
        NamedTensors.load(file, all);
        steps = step;
    }
}
