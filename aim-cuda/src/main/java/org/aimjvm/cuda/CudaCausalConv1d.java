package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;

import java.util.stream.IntStream;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/conv1d.cu}: the causal depthwise convolution and its gradient. */
final class CudaCausalConv1d {
    private static final int THREADS = 128;
    private static final int TILE = 32;
    /** Widths up to here have kernels of their own. */
    private static final int MAX_COMPILED = 4;
    /** Elements of a run. */
    private static final int FORWARD_RUN = 16;

    private static final int BACKWARD_RUN = 64;

    private final CudaContext context;
    private final Kernel[] forward;
    private final Kernel forwardWide;
    private final Kernel[] backward;
    private final Kernel outputGradient;
    private final Kernel backwardWide;
    private final Kernel sum;

    CudaCausalConv1d(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("conv1d");
        this.forward = ofEachWidth(module, "conv1d_forward_");
        this.forwardWide = module.kernel("conv1d_forward_wide_f32");
        this.backward = ofEachWidth(module, "conv1d_backward_");
        this.outputGradient = module.kernel("conv1d_output_gradient_f32");
        this.backwardWide = module.kernel("conv1d_backward_wide_f32");
        this.sum = module.kernel("conv1d_sum_f32");
    }

    private static Kernel[] ofEachWidth(KernelModule module, String prefix) {
        return IntStream.rangeClosed(1, MAX_COMPILED)
                .mapToObj(width -> module.kernel(prefix + width + "_f32"))
                .toArray(Kernel[]::new);
    }

    private static Grid grid(int batch, int length, int channels, int run) {
        return Grid.of(batch * Grid.blocks(length, run), Grid.blocks(channels, THREADS), THREADS);
    }

    void forward(
            Storage y,
            Storage x,
            Storage w,
            Storage bias,
            Storage state,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu) {
        int run = Math.max(FORWARD_RUN, width);
        Grid grid = grid(batch, length, channels, run);
        if (width <= MAX_COMPILED) {
            forward[width - 1].launch(
                    grid, plain(y), plain(x), plain(w), orNull(bias), orNull(state), length, channels, run, silu);
        } else {
            forwardWide.launch(
                    grid, plain(y), plain(x), plain(w), orNull(bias), orNull(state), length, channels, width, run,
                    silu);
        }
    }

    void backward(
            Storage dx,
            Storage dw,
            Storage dBias,
            Storage dy,
            Storage x,
            Storage w,
            Storage bias,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu) {
        int run = Math.max(BACKWARD_RUN, width);
        int runs = batch * Grid.blocks(length, run);
        boolean sums = dw != null || dBias != null;
        try (Scratch partial = sums ? context.scratch(4L * runs * channels * (width + 1)) : null) {
            CudaStorage partials = sums ? partial.storage() : null;
            Grid grid = grid(batch, length, channels, run);
            if (width <= MAX_COMPILED) {
                backward[width - 1].launch(
                        grid, orNull(dx), partials, plain(dy), plain(x), plain(w), orNull(bias), length, channels, run,
                        silu);
            } else {
                try (Scratch dv = context.scratch(4L * batch * length * channels)) {
                    outputGradient.launch(
                            grid, dv.storage(), plain(dy), plain(x), plain(w), orNull(bias), length, channels, width,
                            run,
                            silu);
                    backwardWide.launch(
                            grid, orNull(dx), partials, dv.storage(), plain(x), plain(w), length, channels, width, run);
                }
            }
            if (sums) {
                sum.launch(
                        Grid.of(Grid.blocks(channels * (width + 1), TILE), 1).threads(TILE, 8), orNull(dw),
                        orNull(dBias),
                        partials, runs, channels, width);
            }
        }
    }
}
