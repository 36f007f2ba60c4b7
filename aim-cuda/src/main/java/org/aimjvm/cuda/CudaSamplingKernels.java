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
    public void draw(
            Storage codes, Storage tokens, Storage rows, Storage position, Storage logits, Storage uniforms,
            Storage scales, Storage forced, int pictures, int positions, int vocab, boolean guided, Filters filters) {
        try (Scratch sums = context.scratch(8L * pictures * Grid.blocks(vocab, BLOCK))) {
            draw.launch(
                    Grid.of(pictures, THREADS), plain(codes), plain(tokens), plain(position), plain(logits),
                    sums.storage(),
                    plain(uniforms), plain(scales), plain(forced), pictures, positions, vocab, guided,
                    (double) filters.temperature(), filters.topK(), (double) filters.topP(), filters.minP());
        }
        advance.launch(Grid.of(1, 256), plain(position), plain(rows), guided ? 2 * pictures : pictures);
    }
}
