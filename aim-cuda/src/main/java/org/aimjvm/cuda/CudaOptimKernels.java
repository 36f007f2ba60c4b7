package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/optim.cu}. */
final class CudaOptimKernels implements OptimKernels {
    private static final int THREADS = 256;
    private static final int ITEMS = 4;

    private final Kernel adamW;
    private final Kernel ema;

    CudaOptimKernels(CudaContext context) {
        KernelModule module = context.module("optim");
        this.adamW = module.kernel("adam_w_f32");
        this.ema = module.kernel("ema_f32");
    }

    private static Grid perElement(int n) {
        return Grid.of(Grid.blocks(n, THREADS * ITEMS), THREADS);
    }

    @Override
    public void adamW(Storage w, Storage m, Storage v, Storage g, int n, AdamWStep s) {
        adamW.on(perElement(n))
                .arg("w", plain(w)).arg("m", plain(m)).arg("v", plain(v)).arg("g", plain(g))
                .arg("lr", s.lr()).arg("beta1", s.beta1()).arg("beta2", s.beta2()).arg("rest1", 1 - s.beta1())
                .arg("rest2", 1 - s.beta2()).arg("eps", s.eps()).arg("decay", s.lr() * s.weightDecay())
                .arg("grad_scale", s.gradScale()).arg("correction1", s.correction1())
                .arg("correction2", s.correction2()).arg("n", n)
                .launch();
    }

    @Override
    public void ema(Storage average, Storage w, float decay, int n) {
        ema.launch(perElement(n), plain(average), plain(w), decay, 1 - decay, n);
    }
}
