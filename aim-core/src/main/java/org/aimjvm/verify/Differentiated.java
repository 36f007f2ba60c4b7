package org.aimjvm.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.aimjvm.backend.Backend;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * The usual case of one operation: inputs {@code x}, outputs {@code y}, upstream gradients {@code d_y} (1 for a scalar
 * without one), gradients {@code grad_x} of {@code sum over outputs of <y, d_y>}.
 */
final class Differentiated {
    private Differentiated() {}

    /**
     * Checks outputs and gradients.
     *
     * @param required arrays without which nothing can be computed
     * @param optional arrays that the operation can do without
     * @param op from the tensors of the arrays that are there to outputs, both by array name
     */
    static void check(
            GoldenCase c,
            GoldenChecks checks,
            Backend backend,
            List<String> required,
            List<String> optional,
            Function<Map<String, Tensor>, Map<String, Tensor>> op) {
        if (!checks.requires(required.toArray(String[]::new))) {
            return;
        }
        Map<String, Tensor> inputs = new LinkedHashMap<>();
        required.forEach(name -> inputs.put(name, c.parameter(backend, name)));
        c.present(optional).forEach(name -> inputs.put(name, c.parameter(backend, name)));
        checks.input(inputs.keySet().toArray(String[]::new));
        try (Scope _ = Scope.training()) {
            Map<String, Tensor> outputs = new TreeMap<>(op.apply(inputs)); // one order of summing in every run
            outputs.forEach(checks::array);
            Tensor loss = loss(c, checks, outputs);
            if (loss == null) {
                inputs.keySet().forEach(name -> checks.skip("grad_" + name, "the case has no upstream gradient"));
                return;
            }
            Gradients gradients = loss.backward();
            inputs.forEach((name, x) -> checks.array("grad_" + name, gradientOrZeros(gradients, x)));
        }
    }

    /** {@code sum over outputs of <output, d_output>}; {@code null} if no output has an upstream gradient. */
    static Tensor loss(GoldenCase c, GoldenChecks checks, Map<String, Tensor> outputs) {
        Tensor loss = null;
        for (Map.Entry<String, Tensor> e : outputs.entrySet()) {
            Tensor y = e.getValue();
            String upstream = "d_" + e.getKey();
            Tensor term;
            if (c.has(upstream)) {
                checks.input(upstream);
                term = ReduceOp.sum(ArithmeticOp.mul(y, c.tensor(y.backend(), upstream)));
            } else if (y.size() == 1 && outputs.size() == 1) {
                term = ReduceOp.sum(y);
            } else {
                continue;
            }
            loss = loss == null ? term : ArithmeticOp.add(loss, term);
        }
        return loss;
    }

    /** The gradient; zeros if the loss does not depend on {@code x}. */
    static Tensor gradientOrZeros(Gradients gradients, Tensor x) {
        return gradients.contains(x) ? gradients.of(x) : Tensor.zeros(x.backend(), x.shape());
    }
}
