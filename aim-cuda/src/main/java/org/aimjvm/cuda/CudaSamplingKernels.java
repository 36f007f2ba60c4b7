package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/sampling.cu}. */
final class CudaSamplingKernels implements SamplingKernels {
    private static final int THREADS = 1024;

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
            draw.on(Grid.of(s.pictures(), THREADS))
                    .arg("codes", plain(state.codes())).arg("tokens", plain(state.tokens()))
                    .arg("position", plain(state.position())).arg("logits", plain(logits))
                    .arg("sums", sums.storage()).arg("uniforms", plain(plan.uniforms()))
                    .arg("scales", plain(plan.scales())).arg("forced", plain(plan.forced()))
                    .arg("pictures", s.pictures()).arg("positions", s.positions()).arg("vocab", s.vocab())
                    .arg("guided", s.guided()).arg("temperature", (double) filters.temperature())
                    .arg("top_k", filters.topK()).arg("top_p", (double) filters.topP())
                    .arg("min_p", filters.minP())
                    .launch();
        }
        advance.launch(Grid.of(1, 256), plain(state.position()), plain(state.rows()), s.sequences());
    }
}
