package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.in;
import static org.aimjvm.verify.OpCase.ints;
import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.op.gemm.LinearCrossEntropyOp;
import org.aimjvm.op.softmax.CausalAttentionOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.op.softmax.KvCache;
import org.aimjvm.op.softmax.SoftmaxOp;
import org.aimjvm.tensor.Tensor;

/** Softmax, cross-entropy and attention. */
final class SoftmaxCases {
    private SoftmaxCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        for (int[] s : new int[][] {{1, 2}, {3, 17}, {5, 64}, {1, 129}, {2, 512}, {3, 1000}}) { // rows, columns
            String size = " " + s[0] + "x" + s[1];
            cases.add(OpCase.of("softmax" + size, xs -> SoftmaxOp.softmax(xs[0], 0.7f), in(-4, 4, s)));
            cases.add(OpCase.of(
                    "crossEntropy" + size, xs -> CrossEntropyOp.crossEntropy(xs[0], xs[1]), in(-4, 4, s), ints(s[1],
                            s[0])));
        }
        cases.add(OpCase.of(
                "crossEntropy 2x3x11", xs -> CrossEntropyOp.crossEntropy(xs[0], xs[1]), in(-4, 4, 2, 3, 11), ints(11, 2,
                        3)));
        for (int[] s : new int[][] {{1, 1, 2}, {3, 7, 17}, {513, 5, 33}}) { // rows, inputs, classes
            cases.add(OpCase.of(
                    "meanCrossEntropy " + s[0] + "x" + s[1] + " -> " + s[2],
                    xs -> LinearCrossEntropyOp.meanCrossEntropy(xs[0], xs[1], xs[2]),
                    x(s[0], s[1]),
                    x(s[2], s[1]),
                    ints(s[2], s[0])));
        }
        int[][] attentions = {{1, 1, 1, 1, 1}, {2, 7, 4, 2, 6}, {1, 65, 3, 1, 16}, {2, 65, 4, 4, 33}, {1, 33, 2, 2,
            64}};
        for (int[] a : attentions) {
            int batch = a[0];
            int length = a[1];
            int heads = a[2];
            int kvHeads = a[3];
            int headDim = a[4];
            cases.add(OpCase.of(
                    "causalAttention " + batch + "x" + length + ", heads " + heads + "/" + kvHeads + "x" + headDim,
                    xs -> CausalAttentionOp.causalAttention(xs[0], xs[1], xs[2], heads, kvHeads),
                    x(batch, length, heads * headDim),
                    x(batch, length, kvHeads * headDim),
                    x(batch, length, kvHeads * headDim)));
            OpCase.Input keys = OpCase.constant(-1, 1, batch, length, kvHeads * headDim);
            cases.add(new OpCase(
                    "causalAttention with a cache " + batch + "x" + length + ", heads " + heads + "/" + kvHeads + "x"
                            + headDim,
                    List.of(OpCase.constant(-1, 1, batch, length, heads * headDim), keys, keys), 1e-5,
                    OpCase.inference(xs -> { // the same positions twice, the second time after the first
                        KvCache cache = new KvCache(xs[0].backend(), batch, 2 * length + 1, kvHeads * headDim);
                        return new Tensor[] {
                            CausalAttentionOp.causalAttention(xs[0], xs[1], xs[2], heads, kvHeads, cache),
                            CausalAttentionOp.causalAttention(xs[0], xs[1], xs[2], heads, kvHeads, cache)};
                    })));
        }
        return cases;
    }
}
