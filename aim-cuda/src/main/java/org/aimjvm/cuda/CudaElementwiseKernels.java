package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;

import java.util.Arrays;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/elementwise.cu}. */
final class CudaElementwiseKernels implements ElementwiseKernels {
    private static final int THREADS = 256;
    private static final int ITEMS = 4;
    private static final int TILE = 32;
    private static final int SUM_BLOCKS = 256;
    private static final int ROWS_OF_BLOCK = 256;
    /** Pieces that one launch cuts rows into. */
    private static final int PIECES = 4;

    private final CudaContext context;
    private final Kernel unaryForward;
    private final Kernel unaryBackward;
    private final Kernel leakyRelu;
    private final Kernel add;
    private final Kernel mul;
    private final Kernel affine;
    private final Kernel axpy;
    private final Kernel addBias;
    private final Kernel sumRows;
    private final Kernel modulateForward;
    private final Kernel modulateBackward;
    private final Kernel gate;
    private final Kernel sumSequence;
    private final Kernel copyColumns;
    private final Kernel splitColumns;
    private final Kernel joinColumns;
    private final Kernel sum;
    private final Kernel dropout;

    CudaElementwiseKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("elementwise");
        this.unaryForward = module.kernel("unary_forward_f32");
        this.unaryBackward = module.kernel("unary_backward_f32");
        this.leakyRelu = module.kernel("leaky_relu_f32");
        this.add = module.kernel("add_f32");
        this.mul = module.kernel("mul_f32");
        this.affine = module.kernel("affine_f32");
        this.axpy = module.kernel("axpy_f32");
        this.addBias = module.kernel("add_bias_f32");
        this.sumRows = module.kernel("sum_rows_f32");
        this.modulateForward = module.kernel("modulate_forward_f32");
        this.modulateBackward = module.kernel("modulate_backward_f32");
        this.gate = module.kernel("gate_f32");
        this.sumSequence = module.kernel("sum_sequence_f32");
        this.copyColumns = module.kernel("copy_columns_b32");
        this.splitColumns = module.kernel("split_columns_b32");
        this.joinColumns = module.kernel("join_columns_b32");
        this.sum = module.kernel("sum_f64");
        this.dropout = module.kernel("dropout_f32");
    }

    /** A thread for each {@link #ITEMS} of n elements. */
    private static Grid perElement(int n) {
        return Grid.of(Grid.blocks(n, THREADS * ITEMS), THREADS);
    }

    @Override
    public void unary(Unary f, Storage y, Storage x, int n) {
        unaryForward.launch(perElement(n), plain(y), plain(x), f.ordinal(), n);
    }

    @Override
    public void unaryBackward(Unary f, Storage dx, Storage dy, Storage x, int n) {
        unaryBackward.launch(perElement(n), plain(dx), plain(dy), plain(x), f.ordinal(), n);
    }

    @Override
    public void leakyRelu(Storage y, Storage x, float slope, int n) {
        leakyReluBackward(y, x, x, slope, n);
    }

    @Override
    public void leakyReluBackward(Storage dx, Storage dy, Storage x, float slope, int n) {
        leakyRelu.launch(perElement(n), plain(dx), plain(dy), plain(x), slope, n);
    }

    @Override
    public void add(Storage y, Storage a, Storage b, int n) {
        add.launch(perElement(n), plain(y), plain(a), plain(b), 1f, n);
    }

    @Override
    public void sub(Storage y, Storage a, Storage b, int n) {
        add.launch(perElement(n), plain(y), plain(a), plain(b), -1f, n);
    }

    @Override
    public void mul(Storage y, Storage a, Storage b, int n) {
        mul.launch(perElement(n), plain(y), plain(a), plain(b), n);
    }

    @Override
    public void affine(Storage y, Storage x, float alpha, float beta, int n) {
        affine.launch(perElement(n), plain(y), plain(x), alpha, beta, n);
    }

    @Override
    public void axpy(Storage y, float alpha, Storage x, int n) {
        axpy.launch(perElement(n), plain(y), alpha, plain(x), n);
    }

    @Override
    public void addBias(Storage y, Storage x, Storage bias, int rows, int cols) {
        addBias.launch(perElement(rows * cols), plain(y), plain(x), plain(bias), rows * cols, cols);
    }

    @Override
    public void sumRows(Storage out, Storage x, int rows, int cols) {
        int runs = Math.max(1, Grid.blocks(rows, ROWS_OF_BLOCK));
        if (runs == 1) {
            sumRuns(plain(out), plain(x), rows, cols, 1);
            return;
        }
        try (Scratch partial = context.scratch(4L * runs * cols)) {
            sumRuns(partial.storage(), plain(x), rows, cols, runs);
            sumRows(out, partial.storage(), runs, cols);
        }
    }

    private void sumRuns(CudaStorage out, CudaStorage x, int rows, int cols, int runs) {
        sumRows.launch(Grid.of(Grid.blocks(cols, TILE), runs, 1).threads(TILE, 8), out, x, rows, cols, ROWS_OF_BLOCK);
    }

    @Override
    public void modulate(Storage y, Storage x, Storage shift, Storage scale, int batch, int length, int dim) {
        int n = batch * length * dim;
        modulateForward.launch(perElement(n), plain(y), plain(x), plain(shift), plain(scale), n, length, dim);
    }

    @Override
    public void modulateBackward(
            ModulateGradients d, Storage dy, Storage x, Storage scale, int batch, int length, int dim) {
        if (d.dx() != null) {
            int n = batch * length * dim;
            modulateBackward.launch(perElement(n), plain(d.dx()), plain(dy), plain(scale), n, length, dim);
        }
        sumSequence(d.dShift(), d.dScale(), dy, x, batch, length, dim);
    }

    @Override
    public void gate(Storage y, Storage x, Storage g, int batch, int length, int dim) {
        int n = batch * length * dim;
        gate.launch(perElement(n), plain(y), plain(x), plain(g), n, length, dim);
    }

    @Override
    public void gateBackward(Storage dx, Storage dG, Storage dy, Storage x, Storage g, int batch, int length, int dim) {
        if (dx != null) {
            gate(dx, dy, g, batch, length, dim);
        }
        sumSequence(null, dG, dy, x, batch, length, dim);
    }

    private void sumSequence(Storage sums, Storage products, Storage dy, Storage x, int batch, int length, int dim) {
        if (sums != null || products != null) {
            sumSequence.launch(
                    Grid.of(Grid.blocks(dim, TILE), batch, 1).threads(TILE, 8), orNull(sums), orNull(products),
                    plain(dy),
                    orNull(x),
                    length, dim);
        }
    }

    @Override
    public void copyColumns(
            Storage dst, int dstCols, int dstFrom, Storage src, int srcCols, int srcFrom, int rows, int count) {
        int n = rows * count;
        copyColumns.launch(
                perElement(n), plain(dst), dstCols, dstFrom, plain(src), srcCols, srcFrom, n, count);
    }

    @Override
    public void splitColumns(Storage[] parts, int[] sizes, Storage x, int rows, int cols) {
        if (parts.length > PIECES) {
            ElementwiseKernels.super.splitColumns(parts, sizes, x, rows, cols);
            return;
        }
        CudaStorage[] p = pieces(parts);
        int[] s = Arrays.copyOf(sizes, PIECES);
        int n = rows * cols;
        splitColumns.launch(perElement(n), p[0], p[1], p[2], p[3], plain(x), s[0], s[1], s[2], s[3], n, cols);
    }

    @Override
    public void joinColumns(Storage y, Storage[] parts, int[] sizes, int rows, int cols) {
        if (parts.length > PIECES) {
            ElementwiseKernels.super.joinColumns(y, parts, sizes, rows, cols);
            return;
        }
        CudaStorage[] p = pieces(parts);
        int[] s = Arrays.copyOf(sizes, PIECES);
        int n = rows * cols;
        joinColumns.launch(perElement(n), plain(y), p[0], p[1], p[2], p[3], s[0], s[1], s[2], s[3], n, cols);
    }

    private static CudaStorage[] pieces(Storage[] parts) {
        CudaStorage[] p = new CudaStorage[PIECES];
        for (int i = 0; i < parts.length; i++) {
            p[i] = plain(parts[i]);
        }
        return p;
    }

    @Override
    public double sum(Storage x, int n) {
        return sum(x, n, false);
    }

    @Override
    public double sumOfSquares(Storage x, int n) {
        return sum(x, n, true);
    }

    private double sum(Storage x, int n, boolean squares) {
        int blocks = Math.clamp(Grid.blocks(n, THREADS), 1, SUM_BLOCKS);
        try (Scratch partial = context.scratch(8L * blocks)) {
            sum.launch(Grid.of(blocks, THREADS), partial.storage(), plain(x), n, squares);
            double total = 0;
            for (double p : context.transfers().readDoubles(partial.storage().block(), blocks)) {
                total += p;
            }
            return total;
        }
    }

    @Override
    public void dropout(Storage y, Storage x, float p, long seed, int n) {
        dropout.launch(perElement(n), plain(y), plain(x), p, seed, n);
    }
}
