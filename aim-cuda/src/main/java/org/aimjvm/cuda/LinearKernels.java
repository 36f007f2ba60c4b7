package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;

/** Launches {@code kernels/linear_<format>.cu}: linear layers by the format of their weights. */
final class LinearKernels {
    /**
     * Where the columns of a linear layer of few rows go: {@code Columns} of {@code kernels/linear.cuh}, which says more.
     *
     * @param y the first {@code columns}, {@code null} if there are none
     * @param convolved the next {@code channels} after their convolution
     * @param after the others
     * @param state of the convolution
     * @param bias of all columns, or {@code null}
     * @param convBias may be {@code null}
     */
    record Columns(
            CudaStorage y, CudaStorage convolved, CudaStorage after, CudaStorage state, CudaStorage bias,
            CudaStorage convWeight, CudaStorage convBias, int columns, int channels, boolean silu) {
        /** All columns to one matrix. */
        static Columns plain(Storage y, Storage bias, int out) {
            return new Columns(
                    CudaStorage.plain(y), null, null, null, CudaStorage.orNull(bias), null, null, out, 0, false);
        }

        /** Gives a launch the arguments that these are. */
        Kernel.Launch give(Kernel.Launch launch) {
            return launch.arg("y", y).arg("convolved", convolved).arg("after", after).arg("state", state)
                    .arg("bias", bias).arg("conv_w", convWeight).arg("conv_bias", convBias)
                    .arg("columns", columns).arg("channels", channels).arg("with_silu", silu);
        }
    }

    /** With more rows tensor cores are faster than reading the weights again for every 16. */
    static final int FEW_ROWS = 32;

    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int SMALL_THREADS = 128;
    private static final int LARGE_THREADS = 256;

    /** Rows that a block of the kernels for few rows takes: powers of two up to this. */
    private static final int ROWS_OF_BLOCK = 16;
    /** Warps on a multiprocessor below which rows are spread over more blocks. */
    private static final int WARPS_WANTED = 4;

    /** Kernels for weights of one format. */
    private record Kernels(Kernel[] byRows, Kernel small, Kernel large) {
        static Kernels load(CudaContext context, WeightFormat format) {
            String name = format.name().toLowerCase(Locale.ROOT);
            KernelModule module = context.module("linear_" + name);
            Kernel[] byRows = new Kernel[Integer.numberOfTrailingZeros(ROWS_OF_BLOCK) + 1];
            for (int i = 0; i < byRows.length; i++) {
                byRows[i] = module.kernel("linear_" + name + "_" + (1 << i));
            }
            boolean tiles = format != WeightFormat.F32;
            return new Kernels(
                    byRows,
                    tiles ? module.kernel("linear_tile_" + name + "_" + SMALL) : null,
                    tiles ? module.kernel("linear_tile_" + name + "_" + LARGE) : null);
        }
    }

    private final CudaContext context;
    private final Map<WeightFormat, Kernels> kernels = new EnumMap<>(WeightFormat.class);

    LinearKernels(CudaContext context) {
        this.context = context;
        prepare(WeightFormat.F32);
    }

    /** Loads what weights of a format need; before a capture, as it may wait for the device. */
    void prepare(WeightFormat format) {
        synchronized (context.gpu()) { // the one lock of the backend, which loading takes
            kernels.computeIfAbsent(format, f -> Kernels.load(context, f));
        }
    }

    private Kernels kernels(WeightFormat format) {
        synchronized (context.gpu()) {
            return kernels.get(format);
        }
    }

    /** The format in which a weight matrix is held. */
    static WeightFormat format(Storage w) {
        return w instanceof CudaWeights weights ? weights.format() : WeightFormat.F32;
    }

    /** The elements of a weight matrix in any format. */
    static CudaStorage values(Storage w) {
        return w instanceof CudaWeights weights ? weights : plain(w);
    }

    /** The scales of integer weights, {@code null} for others. */
    static CudaStorage scales(Storage w) {
        return w instanceof CudaWeights weights ? weights.scales() : null;
    }

    /** Lanes of a warp that share a row of the weights: {@code Stream::LANES} of {@code kernels/linear.cuh}. */
    static int lanes(WeightFormat format) {
        return format == WeightFormat.F32 ? 4 : 8;
    }

    /**
     * Bytes of shared memory of a warp that streams weights for so many rows: {@code Stream} of {@code
     * kernels/linear.cuh}.
     */
    static int ringBytes(WeightFormat format, int rows) {
        return WARP * switch (format) {
            case F32 -> 16 * (rows <= 2 ? 32 : 16);
            case BF16, INT8 -> 16 * 16;
            case INT4 -> (16 + Float.BYTES) * 8;
        };
    }

    /** y (rows, out) = x (rows, in) w^T with tensor cores; {@code w} in another format than F32. */
    void tiles(Storage y, Storage x, CudaWeights w, int rows, int out, int in) {
        Kernels k = kernels(w.format());
        boolean isLarge =
                (long) Grid.blocks(rows, LARGE) * Grid.blocks(out, LARGE) >= context.gpu().multiprocessors();
        int edge = isLarge ? LARGE : SMALL;
        (isLarge ? k.large : k.small).launch(
                Grid.of(Grid.blocks(out, edge), Grid.blocks(rows, edge), isLarge ? LARGE_THREADS : SMALL_THREADS),
                plain(y), plain(x), w, w.scales(), rows, out, in);
    }

    /** x (rows, in) w^T, streamed for few rows, to columns of choice; {@code w} plain F32 or in its format. */
    void fewRows(Columns to, Storage x, Storage w, int rows, int out, int in) {
        if (rows == 0) {
            return;
        }
        WeightFormat format = format(w);
        int blocks = Grid.blocks(out, WARP / lanes(format));
        int log = Math.min(Grid.log2(rows), Grid.log2(ROWS_OF_BLOCK));
        while (log > 2 && (long) blocks * Grid.blocks(rows, 1 << log)
                < (long) WARPS_WANTED * context.gpu().multiprocessors()) {
            log--;
        }
        to.give(kernels(format).byRows[log].on(Grid.of(blocks, Grid.blocks(rows, 1 << log), WARP)))
                .arg("x", plain(x)).arg("w", values(w)).arg("scales", scales(w))
                .arg("rows", rows).arg("out", out).arg("in", in)
                .launch();
    }
}
