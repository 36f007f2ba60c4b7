package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.scalar.ScalarOptimKernels;

/** Optimiser updates by vectors; every element has the bits of {@link ScalarOptimKernels}. */
public final class VectorOptimKernels implements OptimKernels {
    private final Parallel parallel;

    public VectorOptimKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    @Override
    public void adamW(Storage w, Storage m, Storage v, Storage g, int n, AdamWStep s) {
        float[] ws = floats(w);
        float[] ms = floats(m);
        float[] vs = floats(v);
        float[] gs = floats(g);
        float lr = s.lr();
        float beta1 = s.beta1();
        float beta2 = s.beta2();
        float eps = s.eps();
        float weightDecay = s.weightDecay();
        float gradScale = s.gradScale();
        float correction1 = s.correction1();
        float correction2 = s.correction2();
        parallel.forRange(n, VectorElementwiseKernels.GRAIN / 2, (from, to) -> {
            int i = from;
            for (; i <= to - LANES; i += LANES) {
                FloatVector grad = FloatVector.fromArray(F, gs, i).mul(gradScale);
                FloatVector weight = FloatVector.fromArray(F, ws, i);
                weight = weight.sub(weight.mul(lr * weightDecay));
                FloatVector mean = FloatVector.fromArray(F, ms, i).mul(beta1).add(grad.mul(1 - beta1));
                FloatVector square = FloatVector.fromArray(F, vs, i).mul(beta2).add(grad.mul(1 - beta2).mul(grad));
                FloatVector denominator = square.div(correction2).sqrt().add(eps);
                weight.sub(mean.div(correction1).mul(lr).div(denominator)).intoArray(ws, i);
                mean.intoArray(ms, i);
                square.intoArray(vs, i);
            }
            for (; i < to; i++) {
                float grad = gs[i] * gradScale;
                float weight = ws[i] - lr * weightDecay * ws[i];
                ms[i] = beta1 * ms[i] + (1 - beta1) * grad;
                vs[i] = beta2 * vs[i] + (1 - beta2) * grad * grad;
                ws[i] = weight - lr * (ms[i] / correction1) / ((float) Math.sqrt(vs[i] / correction2) + eps);
            }
        });
    }

    @Override
    public void ema(Storage average, Storage w, float decay, int n) {
        float[] as = floats(average);
        float[] ws = floats(w);
        parallel.forRange(n, VectorElementwiseKernels.GRAIN, (from, to) -> {
            int i = from;
            for (; i <= to - LANES; i += LANES) {
                FloatVector rest = FloatVector.fromArray(F, ws, i).mul(1 - decay);
                FloatVector.fromArray(F, as, i).mul(decay).add(rest).intoArray(as, i);
            }
            for (; i < to; i++) {
                as[i] = decay * as[i] + (1 - decay) * ws[i];
            }
        });
    }
}
