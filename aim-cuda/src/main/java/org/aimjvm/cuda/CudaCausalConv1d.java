package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;

import java.util.stream.IntStream;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
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

    private static Grid grid(CausalConvShape s, int run) {
        return Grid.of(s.batch() * Grid.blocks(s.length(), run), Grid.blocks(s.channels(), THREADS), THREADS);
    }

    void forward(Storage y, Storage state, CausalConv1d.Inputs in, CausalConvShape s) {
        int width = s.width();
        int run = Math.max(FORWARD_RUN, width);
        Grid grid = grid(s, run);
        // @formatter:off: a group of operands per line
        if (width <= MAX_COMPILED) {
            forward[width - 1].launch(
                    grid,
                    plain(y),
                    plain(in.x()), plain(in.w()), orNull(in.bias()), orNull(state),
                    s.length(), s.channels(), run, in.silu());
        } else {
            forwardWide.launch(
                    grid,
                    plain(y),
                    plain(in.x()), plain(in.w()), orNull(in.bias()), orNull(state),
                    s.length(), s.channels(), width, run, in.silu());
        }
        // @formatter:on
    }

    void backward(CausalConv1d.Gradients out, Storage dy, CausalConv1d.Inputs in, CausalConvShape s) {
        int width = s.width();
        int run = Math.max(BACKWARD_RUN, width);
        int runs = s.batch() * Grid.blocks(s.length(), run);
        boolean sums = out.dW() != null || out.dBias() != null;
        try (Scratch partial = sums ? context.scratch(4L * runs * s.channels() * (width + 1)) : null) {
            CudaStorage partials = sums ? partial.storage() : null;
            Grid grid = grid(s, run);
            // @formatter:off: a group of operands per line
            if (width <= MAX_COMPILED) {
                backward[width - 1].launch(
                        grid,
                        orNull(out.dX()), partials,
                        plain(dy), plain(in.x()), plain(in.w()), orNull(in.bias()),
                        s.length(), s.channels(), run, in.silu());
            } else {
                try (Scratch dv = context.scratch(4L * s.rows() * s.channels())) {
                    outputGradient.launch(
                            grid,
                            dv.storage(),
                            plain(dy), plain(in.x()), plain(in.w()), orNull(in.bias()),
                            s.length(), s.channels(), width, run, in.silu());
                    backwardWide.launch(
                            grid,
                            orNull(out.dX()), partials,
                            dv.storage(), plain(in.x()), plain(in.w()),
                            s.length(), s.channels(), width, run);
                }
            }
            if (sums) {
                sum.launch(
                        Grid.of(Grid.blocks(s.channels() * (width + 1), TILE), 1).threads(TILE, 8),
                        orNull(out.dW()), orNull(out.dBias()),
                        partials,
                        runs, s.channels(), width);
            }
            // @formatter:on
        }
    }
}
