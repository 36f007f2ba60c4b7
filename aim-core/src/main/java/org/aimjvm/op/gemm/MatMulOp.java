package org.aimjvm.op.gemm;

import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Batched matrix product. */
public final class MatMulOp {
    private MatMulOp() {}

    /**
     * {@code C_b = op(A_b) op(B_b)} for each matrix of a batch.
     *
     * @param a (batch, m, k), or (batch, k, m) with {@code transA}
     * @param b (batch, k, n), or (batch, n, k) with {@code transB}
     * @return (batch, m, n)
     */
    public static Tensor matmul(Tensor a, Tensor b, boolean transA, boolean transB) {
        Shapes.expectRank("matmul", "a", a, 3);
        Shapes.expectRank("matmul", "b", b, 3);
        int batch = a.dim(0);
        int m = a.dim(transA ? 2 : 1);
        int k = a.dim(transA ? 1 : 2);
        int n = b.dim(transB ? 1 : 2);
        Shapes.expect("matmul", "b", b, transB ? Shape.of(batch, n, k) : Shape.of(batch, k, n));
        Tensor c = product(a, b, new GemmShape(batch, m, n, k, transA, transB));
        return Autograd.tape(
                c,
                dC -> {
                    // dA = dC op(B)^T, dB = op(A)^T dC, each stored transposed where the operand was
                    Tensor dA = null;
                    Tensor dB = null;
                    if (a.needsGrad()) {
                        dA = transA
                                ? product(b, dC, new GemmShape(batch, k, m, n, transB, true))
                                : product(dC, b, new GemmShape(batch, m, k, n, false, !transB));
                    }
                    if (b.needsGrad()) {
                        dB = transB
                                ? product(dC, a, new GemmShape(batch, n, k, m, true, transA))
                                : product(a, dC, new GemmShape(batch, k, n, m, !transA, false));
                    }
                    return new Tensor[] {dA, dB};
                },
                a,
                b);
    }

    private static Tensor product(Tensor a, Tensor b, GemmShape s) {
        Tensor c = Tensor.empty(a.backend(), Shape.of(s.batch(), s.m(), s.n()));
        a.backend().gemm().gemm(c.storage(), a.storage(), b.storage(), s, false);
        return c;
    }
}
