package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/index.cu}. */
final class CudaIndexKernels implements IndexKernels {
    private static final int THREADS = 256;
    private static final int ITEMS = 4;
    private static final int TILE = 32;
    /** Rows and columns of the table of a block of the embedding's gradient. */
    private static final int GROUP = 32;
    private static final int COLUMNS = 4 * THREADS;
    private static final int CODE = 8;
    /** Blocks of the search for the nearest code that are enough for a large GPU. */
    private static final int ENOUGH_BLOCKS = 528;

    private final CudaContext context;
    private final Kernel embedding;
    private final Kernel embeddingBf16;
    private final Kernel embeddingInt8;
    private final Kernel embeddingInt4;
    private final Kernel embeddingBackward;
    private final Kernel nearestCode8;
    private final Kernel nearestCodeAny;
    private final Kernel nearestCodeMerge;
    private final Kernel transpose;

    CudaIndexKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("index");
        this.embedding = module.kernel("embedding_f32");
        this.embeddingBf16 = module.kernel("embedding_bf16");
        this.embeddingInt8 = module.kernel("embedding_int8");
        this.embeddingInt4 = module.kernel("embedding_int4");
        this.embeddingBackward = module.kernel("embedding_backward_f32");
        this.nearestCode8 = module.kernel("nearest_code_8_f32");
        this.nearestCodeAny = module.kernel("nearest_code_any_f32");
        this.nearestCodeMerge = module.kernel("nearest_code_merge_f32");
        this.transpose = module.kernel("transpose_b32");
    }

    @Override
    public void embedding(Storage y, Storage table, Storage ids, int rows, int vocab, int dim) {
        embed(plain(y), table, plain(ids), rows, vocab, dim);
    }

    /** The F32 numbers that weights stand for. */
    void widen(CudaStorage y, CudaWeights w) {
        embed(y, w, null, w.out(), w.out(), w.in());
    }

    /** @param ids {@code null}: each row once */
    private void embed(CudaStorage y, Storage table, CudaStorage ids, int rows, int vocab, int dim) {
        int n = rows * dim;
        Grid grid = Grid.of(Grid.blocks(n, THREADS * ITEMS), THREADS);
        if (table instanceof CudaWeights w) {
            switch (w.format()) {
                case BF16 -> embeddingBf16.launch(grid, y, w, ids, n, vocab, dim);
                case INT8 -> embeddingInt8.launch(grid, y, w, w.scales(), ids, n, vocab, dim);
                case INT4 -> embeddingInt4.launch(grid, y, w, w.scales(), ids, n, vocab, dim);
                case F32 -> embedding.launch(grid, y, w, ids, n, vocab, dim);
            }
        } else {
            embedding.launch(grid, y, plain(table), ids, n, vocab, dim);
        }
    }

    @Override
    public void embeddingBackward(Storage dTable, Storage dy, Storage ids, int rows, int vocab, int dim) {
        embeddingBackward.launch(
                Grid.of(Grid.blocks(vocab, GROUP), Grid.blocks(dim, COLUMNS), THREADS), plain(dTable), plain(dy),
                plain(ids),
                rows, vocab, dim);
    }

    @Override
    public void nearestCode(Storage codes, Storage z, Storage codebook, int rows, int entries, int dim) {
        int blocks = Grid.blocks(rows, THREADS);
        int most = Math.max(1, Grid.blocks(entries, THREADS));
        int parts = Math.clamp(Grid.blocks(ENOUGH_BLOCKS, Math.max(1, blocks)), 1, most);
        int entriesOfPart = THREADS * Math.max(1, Grid.blocks(entries, THREADS * parts));
        int used = Math.max(1, Grid.blocks(entries, entriesOfPart));
        if (used == 1) {
            search(Grid.of(blocks, 1, THREADS), plain(codes), null, null, z, codebook, rows, entries, entriesOfPart,
                    dim);
            return;
        }
        try (Scratch distances = context.scratch(4L * used * rows); Scratch found = context.scratch(4L * used * rows)) {
            search(
                    Grid.of(blocks, used, THREADS), null, distances.storage(), found.storage(), z, codebook, rows,
                    entries,
                    entriesOfPart, dim);
            nearestCodeMerge.launch(
                    Grid.of(blocks, THREADS), plain(codes), distances.storage(), found.storage(), rows, used);
        }
    }

    private void search(
            Grid grid, CudaStorage codes, CudaStorage distances, CudaStorage found, Storage z, Storage codebook,
            int rows,
            int entries, int entriesOfPart, int dim) {
        if (dim == CODE) {
            nearestCode8.launch(
                    grid, codes, distances, found, plain(z), plain(codebook), rows, entries, entriesOfPart);
        } else {
            nearestCodeAny.launch(
                    grid, codes, distances, found, plain(z), plain(codebook), rows, entries, entriesOfPart, dim);
        }
    }

    @Override
    public void transpose(Storage y, Storage x, int batch, int rows, int cols) {
        int rowTiles = Grid.blocks(rows, TILE);
        int columnTiles = Grid.blocks(cols, TILE);
        transpose.launch(
                Grid.of(batch * rowTiles * columnTiles, TILE).threads(TILE, 8), plain(y), plain(x), rows, cols,
                rowTiles,
                columnTiles);
    }
}
