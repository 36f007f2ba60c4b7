package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.PER;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/softmax.cu} and {@code kernels/attention.cu}. */
final class CudaSoftmaxKernels implements SoftmaxKernels {
    private static final int THREADS = 256;
    private static final int TILE = 64;
    /** Columns of a head that a block can have, and the widest heads for few queries. */
    private static final int WIDE = 128;
    /** Queries that are few: more of them share what they read. */
    private static final int FEW = 8;
    private static final int FEW_THREADS = 512;

    private final CudaContext context;
    private final Kernel softmaxForward;
    private final Kernel softmaxBackward;
    private final Kernel crossEntropyForward;
    private final Kernel crossEntropyBackward;
    private final Kernel attentionForward64;
    private final Kernel attentionForward128;
    private final Kernel attentionFew64;
    private final Kernel attentionFew128;
    private final Kernel attentionDeltas;
    private final Kernel attentionKeysBackward64;
    private final Kernel attentionKeysBackward128;
    private final Kernel attentionQueriesBackward64;
    private final Kernel attentionQueriesBackward128;
    private final Kernel append;
    private final Kernel advance;

    CudaSoftmaxKernels(CudaContext context) {
        this.context = context;
        KernelModule softmax = context.module("softmax");
        this.softmaxForward = softmax.kernel("softmax_forward_f32");
        this.softmaxBackward = softmax.kernel("softmax_backward_f32");
        this.crossEntropyForward = softmax.kernel("cross_entropy_forward_f32");
        this.crossEntropyBackward = softmax.kernel("cross_entropy_backward_f32");
        KernelModule attention = context.module("attention");
        this.attentionForward64 = attention.kernel("attention_forward_64_f32");
        this.attentionForward128 = attention.kernel("attention_forward_128_f32");
        this.attentionFew64 = attention.kernel("attention_few_64_f32");
        this.attentionFew128 = attention.kernel("attention_few_128_f32");
        this.attentionDeltas = attention.kernel("attention_deltas_f32");
        this.attentionKeysBackward64 = attention.kernel("attention_keys_backward_64_f32");
        this.attentionKeysBackward128 = attention.kernel("attention_keys_backward_128_f32");
        this.attentionQueriesBackward64 = attention.kernel("attention_queries_backward_64_f32");
        this.attentionQueriesBackward128 = attention.kernel("attention_queries_backward_128_f32");
        this.append = attention.kernel("append_f32");
        this.advance = attention.kernel("advance_i32");
    }

    private static int rowThreads(int cols) {
        return Grid.rowThreads(cols, THREADS);
    }

    @Override
    public void softmax(Storage y, Storage x, float alpha, int rows, int cols) {
        softmaxForward.launch(Grid.of(rows, rowThreads(cols)), plain(y), plain(x), alpha, cols);
    }

    @Override
    public void softmaxBackward(Storage dx, Storage dy, Storage y, float alpha, int rows, int cols) {
        softmaxBackward.launch(Grid.of(rows, rowThreads(cols)), plain(dx), plain(dy), plain(y), alpha, cols);
    }

    @Override
    public void crossEntropy(Storage loss, Storage logSumExp, Storage logits, Storage targets, int rows, int cols) {
        crossEntropyForward.launch(
                Grid.of(rows, rowThreads(cols)), plain(loss), plain(logSumExp), plain(logits), plain(targets), cols);
    }

    @Override
    public void crossEntropyBackward(
            Storage dLogits, Storage dLoss, Storage logits, Storage logSumExp, Storage targets, int rows, int cols) {
        int threads = rowThreads(cols);
        int tiles = Grid.blocks(cols, PER * threads);
        crossEntropyBackward.launch(
                Grid.of(rows * tiles, threads), plain(dLogits), plain(dLoss), plain(logits), plain(logSumExp),
                plain(targets),
                cols, tiles);
    }

    @Override
    public void appendKeysAndValues(
            KeyValues cache, Storage k, Storage v, int added) {
        int n = cache.batch() * added * cache.width();
        append.launch(
                Grid.of(Grid.blocks(n, THREADS), THREADS), plain(cache.keys()), plain(cache.values()),
                plain(cache.length()), plain(k), plain(v), n, added, cache.capacity(), cache.width());
        advance.launch(Grid.of(1, 1), plain(cache.length()), added, cache.capacity());
    }

    private static float scale(int headDim) {
        return (float) (1 / Math.sqrt(headDim));
    }

    @Override
    public void causalAttention(
            Storage out, Storage q, Storage k, Storage v, Storage keyLength, AttentionShape s) {
        CudaStorage used = keyLength == null ? null : plain(keyLength);
        int headDim = s.headDim();
        if (s.queryLength() <= FEW && headDim <= WIDE) {
            Kernel few = headDim <= TILE ? attentionFew64 : attentionFew128;
            few.launch(
                    Grid.of(s.batch() * s.queryLength() * s.heads(), FEW_THREADS), plain(out), plain(q), plain(k),
                    plain(v), used, s.queryLength(), s.keyCapacity(), s.heads(), s.kvHeads(), headDim, scale(headDim));
        } else {
            forward(plain(out), null, plain(q), plain(k), plain(v), used, s);
        }
    }

    /** @param logSums (batch, heads, queryLength), may be {@code null} */
    private void forward(
            CudaStorage out, CudaStorage logSums, CudaStorage q, CudaStorage k, CudaStorage v, CudaStorage keyLength,
            AttentionShape s) {
        int headDim = s.headDim();
        Kernel kernel = headDim <= TILE ? attentionForward64 : attentionForward128;
        kernel.on(tiles(s.batch() * s.heads(), s.queryLength(), headDim))
                .arg("out", out).arg("log_sums", logSums).arg("q", q).arg("k", k).arg("v", v)
                .arg("key_length", keyLength)
                .arg("batch", s.batch()).arg("queries", s.queryLength()).arg("capacity", s.keyCapacity())
                .arg("heads", s.heads()).arg("kv_heads", s.kvHeads()).arg("dim", headDim)
                .arg("scale", scale(headDim))
                .launch();
    }

    /** A block for each tile of each head, and each {@link #WIDE} columns. */
    private static Grid tiles(int headsOfBatch, int length, int headDim) {
        return Grid.of(headsOfBatch * Grid.blocks(length, TILE), Grid.blocks(headDim, WIDE), THREADS);
    }

    @Override
    public void causalAttentionBackward(
            AttentionGradients d, Storage dOut, Storage q, Storage k, Storage v, AttentionShape s) {
        int batch = s.batch();
        int length = s.queryLength();
        int heads = s.heads();
        int kvHeads = s.kvHeads();
        int headDim = s.headDim();
        boolean narrow = headDim <= TILE;
        int rows = batch * length * heads;
        try (Scratch out = context.scratch(4L * rows * headDim);
                Scratch logSums = context.scratch(4L * rows);
                Scratch deltas = context.scratch(4L * rows)) {
            forward(out.storage(), logSums.storage(), plain(q), plain(k), plain(v), null, s);
            attentionDeltas.launch(
                    Grid.of(Grid.blocks(rows, THREADS / WARP), THREADS), deltas.storage(), plain(dOut), out.storage(),
                    rows,
                    length, heads, headDim);
            Kernel ofKeys = narrow ? attentionKeysBackward64 : attentionKeysBackward128;
            ofKeys.on(tiles(batch * kvHeads, length, headDim))
                    .arg("dk", plain(d.dk())).arg("dv", plain(d.dv())).arg("d_out", plain(dOut))
                    .arg("q", plain(q)).arg("k", plain(k)).arg("v", plain(v)).arg("log_sums", logSums.storage())
                    .arg("deltas", deltas.storage())
                    .arg("batch", batch).arg("length", length).arg("heads", heads).arg("kv_heads", kvHeads)
                    .arg("dim", headDim).arg("scale", scale(headDim))
                    .launch();
            Kernel ofQueries = narrow ? attentionQueriesBackward64 : attentionQueriesBackward128;
            ofQueries.on(tiles(batch * heads, length, headDim))
                    .arg("dq", plain(d.dq())).arg("d_out", plain(dOut)).arg("q", plain(q)).arg("k", plain(k))
                    .arg("v", plain(v)).arg("log_sums", logSums.storage()).arg("deltas", deltas.storage())
                    .arg("batch", batch).arg("length", length).arg("heads", heads).arg("kv_heads", kvHeads)
                    .arg("dim", headDim).arg("scale", scale(headDim))
                    .launch();
        }
    }
}
