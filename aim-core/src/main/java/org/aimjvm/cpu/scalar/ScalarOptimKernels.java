package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;

import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.Storage;

/** Reference optimiser updates. */
public final class ScalarOptimKernels implements OptimKernels {

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
        for (int i = 0; i < n; i++) {
            float grad = gs[i] * gradScale;
            float weight = ws[i] - lr * weightDecay * ws[i];
            ms[i] = beta1 * ms[i] + (1 - beta1) * grad;
            vs[i] = beta2 * vs[i] + (1 - beta2) * grad * grad;
            ws[i] = weight - lr * (ms[i] / correction1) / ((float) Math.sqrt(vs[i] / correction2) + eps);
        }
    }

    @Override
    public void ema(Storage average, Storage w, float decay, int n) {
        float[] as = floats(average);
        float[] ws = floats(w);
        for (int i = 0; i < n; i++) {
            as[i] = decay * as[i] + (1 - decay) * ws[i];
        }
    }
}
