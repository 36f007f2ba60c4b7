package org.aimjvm.cpu;

import static org.aimjvm.cpu.KernelCall.sizes;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.SoftmaxKernels.AttentionGradients;
import org.aimjvm.backend.SoftmaxKernels.AttentionShape;
import org.aimjvm.backend.Storage;

/** Softmax, cross-entropy and attention kernels, with one row and with many pieces. */
final class SoftmaxCalls {
    private SoftmaxCalls() {}

    static List<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>();
        for (int[] s : new int[][] {{1, 1}, {5, 33}, {1000, 67}, {2, 1000}, {150, 512}, {5, 16384}}) {
            int rows = s[0];
            int cols = s[1];
            int n = rows * cols;
            String size = " " + rows + "x" + cols;
            calls.add(KernelCall.of(
                    "softmax" + size, sizes(n), sizes(n),
                    (b, o, i) -> b.softmax().softmax(o[0], i[0], -2.5f, rows, cols)));
            calls.add(KernelCall.of("softmax in place" + size, sizes(n), sizes(n), (b, o, i) -> {
                b.copy(o[0], 0, i[0], 0, n);
                b.softmax().softmax(o[0], o[0], 3f, rows, cols);
            }));
            calls.add(KernelCall.of(
                    "softmaxBackward" + size,
                    sizes(n),
                    sizes(n, n),
                    (b, o, i) -> b.softmax().softmaxBackward(o[0], i[0], i[1], 0.5f, rows, cols)));
            calls.add(new KernelCall(
                    "crossEntropy" + size,
                    sizes(rows, rows),
                    sizes(n),
                    rows,
                    cols,
                    (b, o, i) -> b.softmax().crossEntropy(o[0], o[1], i[0], i[1], rows, cols)));
            calls.add(new KernelCall(
                    "crossEntropyBackward" + size,
                    sizes(n),
                    sizes(rows, n, rows),
                    rows,
                    cols,
                    (b, o, i) -> b.softmax().crossEntropyBackward(o[0], i[0], i[1], i[2], i[3], rows, cols)));
        }
        // batch, queries, keys, capacity, heads, key/value heads, head dimension
        for (int[] s : new int[][] {
            {1, 1, 1, 1, 1, 1, 1}, {2, 7, 7, 7, 4, 2, 6}, {3, 65, 65, 65, 6, 3, 16}, {2, 40, 40, 40, 2, 1, 67},
            {2, 1, 50, 64, 4, 1, 32}, {2, 5, 50, 51, 3, 3, 48}
        }) {
            int batch = s[0];
            int queries = s[1];
            int keys = s[2];
            int capacity = s[3];
            int heads = s[4];
            int kvHeads = s[5];
            int headDim = s[6];
            int nq = batch * queries * heads * headDim;
            int nk = batch * capacity * kvHeads * headDim;
            String size = " " + batch + "x" + queries + "/" + keys + " heads " + heads + "/" + kvHeads + "x" + headDim;
            calls.add(KernelCall.of(
                    "causalAttention" + size,
                    sizes(nq),
                    sizes(nq, nk, nk),
                    (b, o, i) -> b.softmax()
                            .causalAttention(
                                    o[0], i[0], i[1], i[2], keys == capacity ? null : ints(b, keys),
                                    new AttentionShape(batch, queries, capacity, heads, kvHeads, headDim))));
            if (queries == capacity) {
                calls.add(KernelCall.of(
                        "causalAttentionBackward" + size,
                        sizes(nq, nk, nk),
                        sizes(nq, nq, nk, nk),
                        (b, o, i) -> b.softmax()
                                .causalAttentionBackward(
                                        new AttentionGradients(o[0], o[1], o[2]), i[0], i[1], i[2], i[3],
                                        AttentionShape.whole(batch, queries, heads, kvHeads, headDim))));
            }
        }
        return calls;
    }

    private static Storage ints(Backend backend, int value) {
        Storage s = backend.allocate(DType.I32, 1);
        backend.write(s, 0, new int[] {value}, 0, 1);
        return s;
    }
}
