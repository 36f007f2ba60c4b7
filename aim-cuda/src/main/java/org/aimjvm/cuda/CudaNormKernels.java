package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import java.util.function.Consumer;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/norm.cu} and {@code kernels/batch_norm.cu}. */
final class CudaNormKernels implements NormKernels {
    private static final int MAX_ROW_THREADS = 512;
    /** Rows up to this length have a thread each. */
    private static final int NARROW = 32;
    /** Runs of rows that are summed by themselves: about as many blocks as a large GPU runs at a time. */
    private static final int MAX_RUNS = 1024;
    private static final int THREADS = 256;
    /** Elements of a picture that a block holds. */
    private static final int TILE = THREADS * 16;
    private static final int MAX_PARTS = 256;

    private final CudaContext context;
    private final Kernel rmsForward;
    private final Kernel gateAddRms;
    private final Kernel rmsBackward;
    private final Kernel gatedForward;
    private final Kernel gatedBackward;
    private final Kernel layerForward;
    private final Kernel layerBackward;
    private final Kernel columnSums;
    private final Kernel l2Forward;
    private final Kernel l2Backward;
    private final Kernel l2NarrowForward;
    private final Kernel l2NarrowBackward;
    private final Kernel groupSmall;
    private final Kernel groupMoments;
    private final Kernel groupApply;
    private final Kernel groupBackwardSums;
    private final Kernel groupBackward;
    private final Kernel groupBackwardWeight;
    private BatchNorm batchNorm; // made when first asked for: a discriminator alone has it

    CudaNormKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("norm");
        this.rmsForward = module.kernel("rms_norm_forward_f32");
        this.gateAddRms = module.kernel("gate_add_rms_norm_f32");
        this.rmsBackward = module.kernel("rms_norm_backward_f32");
        this.gatedForward = module.kernel("gated_rms_norm_forward_f32");
        this.gatedBackward = module.kernel("gated_rms_norm_backward_f32");
        this.layerForward = module.kernel("layer_norm_forward_f32");
        this.layerBackward = module.kernel("layer_norm_backward_f32");
        this.columnSums = module.kernel("column_sums_f32");
        this.l2Forward = module.kernel("l2_normalize_forward_f32");
        this.l2Backward = module.kernel("l2_normalize_backward_f32");
        this.l2NarrowForward = module.kernel("l2_normalize_narrow_forward_f32");
        this.l2NarrowBackward = module.kernel("l2_normalize_narrow_backward_f32");
        this.groupSmall = module.kernel("group_norm_small_f32");
        this.groupMoments = module.kernel("group_norm_moments_f32");
        this.groupApply = module.kernel("group_norm_apply_f32");
        this.groupBackwardSums = module.kernel("group_norm_backward_sums_f32");
        this.groupBackward = module.kernel("group_norm_backward_f32");
        this.groupBackwardWeight = module.kernel("group_norm_backward_weight_f32");
    }

    private static int rowThreads(int cols) {
        return Grid.rowThreads(cols, MAX_ROW_THREADS);
    }

    private static int rowsOfBlock(int rows) {
        return Math.max(1, Grid.blocks(rows, MAX_RUNS));
    }

    @Override
    public void rmsNorm(Storage y, Storage invRms, Storage x, Storage weight, int rows, int cols, float eps) {
        rmsForward.launch(
                Grid.of(rows, rowThreads(cols)), plain(y), plain(invRms), plain(x), plain(weight), cols, 1.0 / cols,
                eps);
    }

    @Override
    public void gateAddRmsNorm(Storage y, FusedKernels.ResidualNorm r, int batch, int length, int cols) {
        gateAddRms.on(Grid.of(batch * length, rowThreads(cols)))
                .arg("y", plain(y)).arg("sum", plain(r.sum())).arg("branch", plain(r.branch()))
                .arg("gate", plain(r.gate())).arg("residual", plain(r.residual()))
                .arg("weight", plain(r.weight())).arg("shift", orNull(r.shift()))
                .arg("scale", orNull(r.scale()))
                .arg("length", length).arg("cols", cols).arg("inverse_cols", 1.0 / cols).arg("eps", r.eps())
                .launch();
    }

    @Override
    public void rmsNormBackward(
            Storage dx, Storage dWeight, Storage dy, Storage x, Storage weight, Storage invRms, int rows, int cols) {
        if (dx == null && dWeight == null) {
            return;
        }
        int run = rowsOfBlock(rows);
        int runs = Grid.blocks(rows, run);
        summingRuns(dWeight, runs, cols, partial -> rmsBackward.launch(
                Grid.of(runs, rowThreads(cols)), orNull(dx), partial, plain(dy), plain(x), plain(weight), plain(invRms),
                rows, cols, run, 1.0 / cols));
    }

    /**
     * Has {@code work} write one row of partial sums for each run, and adds those; {@code sums} may be {@code null}.
     */
    private void summingRuns(Storage sums, int runs, int cols, Consumer<CudaStorage> work) {
        if (sums == null || runs == 1) {
            work.accept(orNull(sums));
            return;
        }
        try (Scratch partial = context.scratch(4L * runs * cols)) {
            work.accept(partial.storage());
            columnSums.launch(
                    Grid.of(Grid.blocks(cols, WARP), WARP).threads(WARP, WARP), plain(sums), partial.storage(), runs,
                    cols);
        }
    }

    @Override
    public void gatedRmsNorm(
            Storage y, Storage invRms, Storage x, Storage z, Storage weight, GatedShape s, float eps) {
        int width = s.width();
        gatedForward.launch(
                Grid.of(s.rows() * s.groups(), rowThreads(width)), plain(y), plain(invRms), plain(x), plain(z),
                plain(weight), width, s.groups(), s.normBeforeGate(), 1.0 / width, eps);
    }

    @Override
    public void gatedRmsNormBackward(
            GatedGradients d, Storage dy, Storage x, Storage z, Storage weight, Storage invRms, GatedShape s) {
        if (d.dx() == null && d.dz() == null && d.dWeight() == null) {
            return;
        }
        int width = s.width();
        int run = rowsOfBlock(s.rows());
        int runs = Grid.blocks(s.rows(), run);
        summingRuns(d.dWeight(), runs, s.cols(),
                partial -> gatedBackward.on(Grid.of(runs * s.groups(), rowThreads(width)))
                        .arg("dx", orNull(d.dx())).arg("dz", orNull(d.dz())).arg("partial", partial)
                        .arg("dy", plain(dy)).arg("x", plain(x)).arg("z", plain(z)).arg("weight", plain(weight))
                        .arg("inv_rms", plain(invRms))
                        .arg("rows", s.rows()).arg("width", width).arg("groups", s.groups())
                        .arg("norm_first", s.normBeforeGate()).arg("rows_of_block", run)
                        .arg("inverse_width", 1.0 / width)
                        .launch());
    }

    @Override
    public void layerNorm(Storage y, Storage stats, Storage x, Storage weight, Storage bias, int rows, int cols,
            float eps) {
        layerForward.launch(
                Grid.of(rows, rowThreads(cols)), plain(y), plain(stats), plain(x), plain(weight), plain(bias), cols,
                1.0 / cols,
                eps);
    }

    @Override
    public void layerNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage stats, int rows, int cols) {
        if (d.dx() == null && d.dWeight() == null && d.dBias() == null) {
            return;
        }
        int run = rowsOfBlock(rows);
        int runs = Grid.blocks(rows, run);
        summingRuns(d.dWeight(), runs, cols,
                weights -> summingRuns(d.dBias(), runs, cols, biases -> layerBackward.launch(
                        Grid.of(runs, rowThreads(cols)), orNull(d.dx()), weights, biases, plain(dy), plain(x),
                        plain(weight),
                        plain(stats), rows, cols, run, 1.0 / cols)));
    }

    @Override
    public void groupNorm(
            Storage y, Storage stats, Storage x, Storage weight, Storage bias, GroupShape s, float eps,
            boolean silu) {
        int batch = s.batch();
        int channels = s.channels();
        int area = s.area();
        int groups = s.groups();
        int width = s.width();
        int count = width * area;
        if (count <= TILE) {
            groupSmall.launch(
                    Grid.of(batch * groups, THREADS), orNull(y), plain(stats), plain(x), plain(weight), plain(bias),
                    width,
                    area, groups, eps, silu);
            return;
        }
        int part = partSize(count);
        int parts = Grid.blocks(count, part);
        int tiles = Grid.blocks(area, TILE);
        try (Scratch partial = context.scratch(16L * batch * groups * parts)) {
            groupMoments.launch(
                    Grid.of(batch * groups * parts, THREADS), partial.storage(), plain(x), count, parts, part);
            groupApply.on(Grid.of(y == null ? batch * groups : batch * channels * tiles, THREADS))
                    .arg("y", orNull(y)).arg("stats", plain(stats)).arg("x", plain(x))
                    .arg("weight", plain(weight)).arg("bias", plain(bias)).arg("partial", partial.storage())
                    .arg("channels", channels).arg("area", area).arg("channels_of_group", width)
                    .arg("parts", parts).arg("part_size", part).arg("tiles", tiles).arg("eps", eps)
                    .arg("with_silu", silu)
                    .launch();
        }
    }

    /** Whole tiles, so many that there are at most {@link #MAX_PARTS} parts of {@code count} elements. */
    private static int partSize(int count) {
        return TILE * Math.max(1, Grid.blocks(count, TILE * MAX_PARTS));
    }

    @Override
    public void groupNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage bias, Storage stats, GroupShape s,
            boolean silu) {
        int batch = s.batch();
        int channels = s.channels();
        int area = s.area();
        int width = s.width();
        int part = partSize(area);
        int parts = Grid.blocks(area, part);
        int tiles = Grid.blocks(area, TILE);
        try (Scratch partial = context.scratch(16L * batch * channels * parts)) {
            groupBackwardSums.on(Grid.of(batch * channels * parts, THREADS))
                    .arg("partial", partial.storage()).arg("dy", plain(dy)).arg("x", plain(x))
                    .arg("weight", plain(weight)).arg("bias", plain(bias)).arg("stats", plain(stats))
                    .arg("channels", channels).arg("area", area).arg("channels_of_group", width)
                    .arg("parts", parts).arg("part_size", part).arg("with_silu", silu)
                    .launch();
            if (d.dx() != null) {
                groupBackward.on(Grid.of(batch * channels * tiles, THREADS))
                        .arg("dx", plain(d.dx())).arg("dy", plain(dy)).arg("x", plain(x))
                        .arg("weight", plain(weight)).arg("bias", plain(bias)).arg("stats", plain(stats))
                        .arg("partial", partial.storage())
                        .arg("channels", channels).arg("area", area).arg("channels_of_group", width)
                        .arg("parts", parts).arg("tiles", tiles).arg("with_silu", silu)
                        .launch();
            }
            if (d.dWeight() != null || d.dBias() != null) {
                groupBackwardWeight.launch(
                        Grid.of(channels, WARP), orNull(d.dWeight()), orNull(d.dBias()), partial.storage(), batch,
                        channels, parts);
            }
        }
    }

    private record BatchNorm(Kernel moments, Kernel forward, Kernel backwardSums, Kernel backward) {}

    private BatchNorm batchNorm() {
        synchronized (context.gpu()) {
            if (batchNorm == null) {
                KernelModule module = context.module("batch_norm");
                batchNorm = new BatchNorm(
                        module.kernel("channel_moments_f32"), module.kernel("batch_norm_forward_f32"),
                        module.kernel("batch_norm_backward_sums_f32"), module.kernel("batch_norm_backward_f32"));
            }
            return batchNorm;
        }
    }

    private static Grid perElement(ChannelShape s) {
        return Grid.of(Grid.blocks(s.count() * s.channels(), THREADS), THREADS);
    }

    @Override
    public void channelMoments(Storage mean, Storage variance, Storage x, ChannelShape s) {
        batchNorm().moments.launch(
                Grid.of(s.channels(), THREADS), plain(mean), plain(variance), plain(x), s.count(), s.channels(),
                s.area());
    }

    @Override
    public void batchNorm(
            Storage y, Storage x, Storage weight, Storage bias, Storage mean, Storage variance, ChannelShape s,
            float eps) {
        batchNorm().forward.launch(
                perElement(s), plain(y), plain(x), plain(weight), plain(bias), plain(mean), plain(variance),
                s.count() * s.channels(), s.channels(), s.area(), eps);
    }

    @Override
    public void batchNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage mean, Storage variance, ChannelShape s,
            float eps, boolean constant) {
        try (Scratch sums = context.scratch(2L * Double.BYTES * s.channels())) {
            batchNorm().backwardSums.on(Grid.of(s.channels(), THREADS))
                    .arg("sums", sums.storage()).arg("d_weight", orNull(d.dWeight())).arg("d_bias", orNull(d.dBias()))
                    .arg("dy", plain(dy)).arg("x", plain(x)).arg("mean", plain(mean)).arg("variance", plain(variance))
                    .arg("count", s.count()).arg("channels", s.channels()).arg("area", s.area()).arg("eps", eps)
                    .launch();
            if (d.dx() == null) {
                return;
            }
            batchNorm().backward.on(perElement(s))
                    .arg("dx", plain(d.dx())).arg("dy", plain(dy)).arg("x", plain(x)).arg("weight", plain(weight))
                    .arg("mean", plain(mean)).arg("variance", plain(variance))
                    .arg("sums", constant ? null : sums.storage())
                    .arg("n", s.count() * s.channels()).arg("count", s.count()).arg("channels", s.channels())
                    .arg("area", s.area()).arg("eps", eps)
                    .launch();
        }
    }

    @Override
    public void l2Normalize(Storage y, Storage invNorm, Storage x, int rows, int cols, float eps) {
        if (cols <= NARROW) {
            l2NarrowForward.launch(
                    Grid.of(Grid.blocks(rows, THREADS), THREADS), plain(y), plain(invNorm), plain(x), rows, cols, eps);
        } else {
            l2Forward.launch(Grid.of(rows, rowThreads(cols)), plain(y), plain(invNorm), plain(x), cols, eps);
        }
    }

    @Override
    public void l2NormalizeBackward(Storage dx, Storage dy, Storage y, Storage invNorm, int rows, int cols, float eps) {
        float clipped = (float) (1 / (double) eps);
        if (cols <= NARROW) {
            l2NarrowBackward.launch(
                    Grid.of(Grid.blocks(rows, THREADS), THREADS), plain(dx), plain(dy), plain(y), plain(invNorm), rows,
                    cols,
                    clipped);
        } else {
            l2Backward.launch(
                    Grid.of(rows, rowThreads(cols)), plain(dx), plain(dy), plain(y), plain(invNorm), cols, clipped);
        }
    }
}
