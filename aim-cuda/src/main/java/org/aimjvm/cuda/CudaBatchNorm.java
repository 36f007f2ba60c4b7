package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.NormKernels.ChannelShape;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/batch_norm.cu}. */
final class CudaBatchNorm {
    private static final int THREADS = 256;

    private final CudaContext context;
    private final Kernel moments;
    private final Kernel forward;
    private final Kernel backwardSums;
    private final Kernel backward;

    CudaBatchNorm(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("batch_norm");
        this.moments = module.kernel("channel_moments_f32");
        this.forward = module.kernel("batch_norm_forward_f32");
        this.backwardSums = module.kernel("batch_norm_backward_sums_f32");
        this.backward = module.kernel("batch_norm_backward_f32");
    }

    private static Grid perElement(ChannelShape s) {
        return Grid.of(Grid.blocks(s.count() * s.channels(), THREADS), THREADS);
    }

    void moments(Storage mean, Storage variance, Storage x, ChannelShape s) {
        moments.launch(
                Grid.of(s.channels(), THREADS), plain(mean), plain(variance), plain(x), s.count(), s.channels(),
                s.area());
    }

    void forward(
            Storage y, Storage x, Storage weight, Storage bias, Storage mean, Storage variance, ChannelShape s,
            float eps) {
        forward.launch(
                perElement(s), plain(y), plain(x), plain(weight), plain(bias), plain(mean), plain(variance),
                s.count() * s.channels(), s.channels(), s.area(), eps);
    }

    void backward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage mean, Storage variance, ChannelShape s,
            float eps, boolean constant) {
        try (Scratch sums = context.scratch(2L * Double.BYTES * s.channels())) {
            backwardSums.on(Grid.of(s.channels(), THREADS))
                    .arg("sums", sums.storage()).arg("d_weight", orNull(d.dWeight())).arg("d_bias", orNull(d.dBias()))
                    .arg("dy", plain(dy)).arg("x", plain(x)).arg("mean", plain(mean)).arg("variance", plain(variance))
                    .arg("count", s.count()).arg("channels", s.channels()).arg("area", s.area()).arg("eps", eps)
                    .launch();
            if (d.dx() == null) {
                return;
            }
            backward.on(perElement(s))
                    .arg("dx", plain(d.dx())).arg("dy", plain(dy)).arg("x", plain(x)).arg("weight", plain(weight))
                    .arg("mean", plain(mean)).arg("variance", plain(variance))
                    .arg("sums", constant ? null : sums.storage())
                    .arg("n", s.count() * s.channels()).arg("count", s.count()).arg("channels", s.channels())
                    .arg("area", s.area()).arg("eps", eps)
                    .launch();
        }
    }
}
