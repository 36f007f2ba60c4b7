package org.aimjvm.optim;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Tensor;

/**
 * Sums the gradients of several backward passes, in the order in which they are added, so that a step can use a batch
 * that does not fit into memory at once.
 */
public final class GradientAccumulator {
    private final Map<String, Tensor> params;
    private final Map<String, Tensor> buffers = new LinkedHashMap<>();
    private final Map<String, Tensor> sums = new LinkedHashMap<>();

    /** @param params by name; the map is copied, the tensors are not modified */
    public GradientAccumulator(Map<String, Tensor> params) {
        this.params = new LinkedHashMap<>(params);
    }

    /** Adds the gradients of one pass. They are copied, so the scope of the pass may close afterwards. */
    public void add(Gradients gradients) {
        params.forEach((name, p) -> {
            if (!gradients.contains(p)) {
                return;
            }
            Tensor g = gradients.of(p);
            Tensor sum = sums.get(name);
            if (sum == null) {
                sum = buffers.computeIfAbsent(name, n -> Tensor.persistent(p.backend(), p.shape()));
                sum.write(g);
                sums.put(name, sum);
            } else {
                sum.backend().elementwise().add(sum.storage(), sum.storage(), g.storage(), g.size());
            }
        });
    }

    /** Sums by parameter name; without the parameters no pass had a gradient for. */
    public Map<String, Tensor> sums() {
        return Collections.unmodifiableMap(sums);
    }

    /** Starts again from nothing; memory is kept for the next sums. */
    public void clear() {
        sums.clear();
    }
}
