package org.aimjvm.cpu;

import static org.aimjvm.cpu.KernelCall.sizes;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.ElementwiseKernels.ModulateGradients;
import org.aimjvm.backend.OptimKernels.AdamWStep;
import org.aimjvm.backend.ElementwiseKernels.Unary;
import org.aimjvm.cpu.rows.VectorElementwiseKernels;

/** Elementwise, index and optimiser kernels at sizes of several pieces and of less than a vector. */
final class ElementwiseCalls {
    private ElementwiseCalls() {}

    static List<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>();
        for (int n : new int[] {1, 33, 3 * VectorElementwiseKernels.GRAIN + 7}) {
            for (Unary f : Unary.values()) {
                calls.add(KernelCall.of("unary " + f + " " + n, sizes(n), sizes(n), (b, o, i) -> {
                    b.elementwise().unary(Unary.ABS, o[0], i[0], n); // logarithms want positive numbers
                    b.elementwise().unary(f, o[0], f == Unary.LOG ? o[0] : i[0], n);
                }));
                calls.add(KernelCall.of("unaryBackward " + f + " " + n, sizes(n, n), sizes(n, n), (b, o, i) -> {
                    b.elementwise().unary(Unary.ABS, o[1], i[1], n);
                    b.elementwise().unaryBackward(f, o[0], i[0], f == Unary.LOG ? o[1] : i[1], n);
                }));
            }
            calls.add(KernelCall.of(
                    "add " + n, sizes(n), sizes(n, n), (b, o, i) -> b.elementwise().add(o[0], i[0], i[1], n)));
            calls.add(KernelCall.of(
                    "sub " + n, sizes(n), sizes(n, n), (b, o, i) -> b.elementwise().sub(o[0], i[0], i[1], n)));
            calls.add(KernelCall.of(
                    "mul " + n, sizes(n), sizes(n, n), (b, o, i) -> b.elementwise().mul(o[0], i[0], i[1], n)));
            calls.add(KernelCall.of(
                    "affine " + n, sizes(n), sizes(n), (b, o, i) -> b.elementwise().affine(o[0], i[0], 1.5f, -2, n)));
            calls.add(KernelCall.of("axpy " + n, sizes(n), sizes(n, n), (b, o, i) -> {
                b.copy(o[0], 0, i[0], 0, n);
                b.elementwise().axpy(o[0], -0.3f, i[1], n);
            }));
            calls.add(KernelCall.of(
                    "dropout " + n, sizes(n), sizes(n), (b, o, i) -> b.elementwise().dropout(o[0], i[0], 0.4f, 99, n)));
            calls.add(KernelCall.of("sums " + n, sizes(1, 1), sizes(n), (b, o, i) -> {
                b.fill(o[0], 0, 1, (float) b.elementwise().sum(i[0], n));
                b.fill(o[1], 0, 1, (float) b.elementwise().sumOfSquares(i[0], n));
            }));
            calls.add(KernelCall.of("adamW " + n, sizes(n, n, n), sizes(n, n, n, n), (b, o, i) -> {
                b.copy(o[0], 0, i[0], 0, n);
                b.copy(o[1], 0, i[1], 0, n);
                b.elementwise().unary(Unary.ABS, o[2], i[2], n); // second moments are not negative
                b.optim().adamW(o[0], o[1], o[2], i[3], n, new AdamWStep(1e-3f, 0.9f, 0.95f, 1e-8f, 0.05f, 0.7f, 3));
            }));
            calls.add(KernelCall.of("ema " + n, sizes(n), sizes(n, n), (b, o, i) -> {
                b.copy(o[0], 0, i[0], 0, n);
                b.optim().ema(o[0], i[1], 0.99f, n);
            }));
        }
        for (int[] s : new int[][] {{1, 1}, {5, 33}, {1000, 67}, {64, 768}, {3, 20000}}) {
            int rows = s[0];
            int cols = s[1];
            int n = rows * cols;
            String size = " " + rows + "x" + cols;
            calls.add(KernelCall.of(
                    "addBias" + size,
                    sizes(n),
                    sizes(n, cols),
                    (b, o, i) -> b.elementwise().addBias(o[0], i[0], i[1], rows, cols)));
            calls.add(KernelCall.of(
                    "sumRows" + size, sizes(cols), sizes(n),
                    (b, o, i) -> b.elementwise().sumRows(o[0], i[0], rows, cols)));
            calls.add(KernelCall.of("copyColumns" + size, sizes(rows * (cols + 3)), sizes(n), (b, o, i) -> {
                b.fill(o[0], 0, rows * (cols + 3), 7);
                b.elementwise().copyColumns(o[0], cols + 3, 2, i[0], cols, 0, rows, cols);
            }));
            calls.add(new KernelCall(
                    "embedding" + size,
                    sizes(n),
                    sizes(50 * cols),
                    rows,
                    50,
                    (b, o, i) -> b.index().embedding(o[0], i[0], i[1], rows, 50, cols)));
            calls.add(new KernelCall(
                    "embeddingBackward" + size,
                    sizes(50 * cols),
                    sizes(n),
                    rows,
                    50,
                    (b, o, i) -> b.index().embeddingBackward(o[0], i[0], i[1], rows, 50, cols)));
        }
        for (int[] s : new int[][] {{1, 1, 1}, {3, 7, 33}, {5, 70, 300}, {2, 1, 768}, {40, 64, 192}}) {
            int batch = s[0];
            int length = s[1];
            int dim = s[2];
            int n = batch * length * dim;
            int cond = batch * dim;
            String size = " " + batch + "x" + length + "x" + dim;
            calls.add(KernelCall.of(
                    "modulate" + size,
                    sizes(n),
                    sizes(n, cond, cond),
                    (b, o, i) -> b.elementwise().modulate(o[0], i[0], i[1], i[2], batch, length, dim)));
            calls.add(KernelCall.of(
                    "modulateBackward" + size,
                    sizes(n, cond, cond),
                    sizes(n, n, cond),
                    (b, o, i) -> b.elementwise()
                            .modulateBackward(new ModulateGradients(o[0], o[1], o[2]), i[0], i[1], i[2], batch, length,
                                    dim)));
            calls.add(KernelCall.of(
                    "gate" + size,
                    sizes(n),
                    sizes(n, cond),
                    (b, o, i) -> b.elementwise().gate(o[0], i[0], i[1], batch, length, dim)));
            calls.add(KernelCall.of(
                    "gateBackward" + size,
                    sizes(n, cond),
                    sizes(n, n, cond),
                    (b, o, i) -> b.elementwise().gateBackward(o[0], o[1], i[0], i[1], i[2], batch, length, dim)));
        }
        return calls;
    }
}
