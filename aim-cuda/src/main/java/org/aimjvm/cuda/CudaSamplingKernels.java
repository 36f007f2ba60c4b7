package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/sampling.cu}. */
final class CudaSamplingKernels implements SamplingKernels {
    private static final int THREADS = 1024;
    private static final int BLOCK = 64;

    private final CudaContext context;
    private final Kernel draw;
    private final Kernel advance;

    CudaSamplingKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("sampling");
        this.draw = module.kernel("draw_tokens_f32");
        this.advance = module.kernel("advance_position_i32");
    }

    @Override
    public void draw(State state, Storage logits, Plan plan, Sizes s, Filters filters) {
        try (Scratch sums = context.scratch(8L * s.pictures() * Grid.blocks(s.vocab(), BLOCK))) {
            draw.launch(
                    Grid.of(s.pictures(), THREADS), plain(state.codes()), plain(state.tokens()),
                    plain(state.position()), plain(logits), sums.storage(), plain(plan.uniforms()),
                    plain(plan.scales()), plain(plan.forced()), s.pictures(), s.positions(), s.vocab(), s.guided(),
                    (double) filters.temperature(), filters.topK(), (double) filters.topP(), filters.minP());
        }
        advance.launch(Grid.of(1, 256), plain(state.position()), plain(state.rows()), s.sequences());
    }
}
