package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.LimitKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/limits.cu}. */
final class CudaLimitKernels implements LimitKernels {
    private static final int THREADS = 256;
    private static final int WARPS = THREADS / Grid.WARP;
    private static final int CHAINS = 8;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;
    /** Two bf16 halves, or (almost) one tf32 number, of 1. */
    private static final int ONES = 0x3f803f80;

    private final CudaContext context;
    private final Kernel read;
    private final Kernel update;
    private final Kernel fma;
    private final Kernel mmaBf16;
    private final Kernel mmaTf32;

    CudaLimitKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("limits");
        this.read = module.kernel("limit_read_f32");
        this.update = module.kernel("limit_update_f32");
        this.fma = module.kernel("limit_fma_f32");
        this.mmaBf16 = module.kernel("limit_mma_bf16");
        this.mmaTf32 = module.kernel("limit_mma_tf32");
    }

    private int blocks() {
        return context.gpu().multiprocessors() * BLOCKS_PER_MULTIPROCESSOR;
    }

    @Override
    public void read(Storage x, int n) {
        try (Scratch sink = context.scratch(4L * blocks())) {
            read.launch(Grid.of(blocks(), THREADS), sink.storage(), plain(x), n);
        }
    }

    @Override
    public void update(Storage x, int n) {
        update.launch(Grid.of(blocks(), THREADS), plain(x), n);
    }

    @Override
    public double multiplyAdd(int rounds) {
        Grid grid = Grid.of(blocks(), THREADS);
        double threads = (double) blocks() * THREADS;
        double warps = (double) blocks() * WARPS;
        try (Scratch sink = context.scratch(4L * blocks() * THREADS)) {
            return rounds * (double) CHAINS * switch (context.precision()) {
                case F32 -> {
                    fma.launch(grid, sink.storage(), rounds, 0.5f);
                    yield 2 * threads;
                }
                case TF32 -> {
                    mmaTf32.launch(grid, sink.storage(), rounds, ONES);
                    yield 2048 * warps;
                }
                case BF16, BF16X3 -> {
                    mmaBf16.launch(grid, sink.storage(), rounds, ONES);
                    yield 4096 * warps;
                }
            };
        }
    }

    @Override
    public String description() {
        return switch (context.precision()) {
            case F32 -> "multiply-adds in f32";
            case TF32 -> "mma.sync of tf32";
            case BF16, BF16X3 -> "mma.sync of bf16";
        };
    }
}
