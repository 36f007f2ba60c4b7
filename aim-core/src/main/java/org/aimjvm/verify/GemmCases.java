package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.gemm.MatMulOp;

/** Matrix products. */
final class GemmCases {
    private GemmCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        int[][] sizes = {{1, 1, 1}, {1, 5, 17}, {2, 33, 65}, {7, 31, 129}, {16, 16, 16}, {37, 67, 300}};
        for (int[] s : sizes) {
            int m = s[0];
            int n = s[1];
            int k = s[2];
            cases.add(OpCase.of(
                    "linear " + m + "x" + k + " -> " + n, xs -> LinearOp.linear(xs[0], xs[1], xs[2]), x(m, k), x(n, k),
                    x(n)));
            cases.add(OpCase.of(
                    "matmul " + m + "x" + k + "x" + n, xs -> MatMulOp.matmul(xs[0], xs[1], false, false), x(2, m, k), x(
                            2, k, n)));
        }
        cases.add(OpCase.of("matmul tn", xs -> MatMulOp.matmul(xs[0], xs[1], true, false), x(3, 9, 11), x(3, 9, 7)));
        cases.add(OpCase.of("matmul nt", xs -> MatMulOp.matmul(xs[0], xs[1], false, true), x(3, 11, 9), x(3, 7, 9)));
        cases.add(OpCase.of("matmul tt", xs -> MatMulOp.matmul(xs[0], xs[1], true, true), x(3, 9, 11), x(3, 7, 9)));
        return cases;
    }
}
