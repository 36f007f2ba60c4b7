package org.aimjvm.cuda;

import org.aimjvm.backend.SsdShape;

/**
 * Device memory of an SSD scan in chunks of {@value #CHUNK} elements, and of its gradient, by name; {@code
 * kernels/ssd.cu} says what is in it. Tiles are of {@value #TILE} columns.
 */
final class CudaSsdMemory implements AutoCloseable {
    static final int CHUNK = 64;
    static final int TILE = 64;

    /** Sizes in tiles and chunks: {@code ofChunks} of all sequences, {@code ofHeads} of all sequences. */
    record Counts(int chunks, int pTiles, int nTiles, int ofChunks, int ofHeads) {
        static Counts of(SsdShape s) {
            int chunks = Grid.blocks(s.length(), CHUNK);
            return new Counts(
                    chunks, Grid.blocks(s.headDim(), TILE), Grid.blocks(s.dState(), TILE), s.batch() * chunks,
                    s.batch() * s.heads());
        }
    }

    final Counts n;
    final ScratchParts.Part step; // (batch, H, L): d
    final ScratchParts.Part sums; // (batch, H, L, 2): sums of d A within a chunk, each the sum of two numbers
    final ScratchParts.Part products; // (batch, chunks, G, Q, Q): C_i . B_j
    final ScratchParts.Part states; // (batch, chunks, H, P, N): at the starts of chunks
    /** BF16 states as F32, before and after: (batch, H, P, N), or nothing. */
    final ScratchParts.Part widened;

    /** {@code null} but in a gradient. */
    final Gradient gradient;

    private final ScratchParts parts;

    /** What only the gradient needs. */
    static final class Gradient {
        final int slices; // of the heads of a group
        final ScratchParts.Part dStates; // (batch, chunks, H, P, N): at the ends of chunks
        final ScratchParts.Part overlap; // (P tiles * N tiles, batch, chunks, H): of states and gradients
        final ScratchParts.Part map; // (slices, batch, chunks, G, Q, Q): gradients of the products
        final ScratchParts.Part within; // (batch, H, L): of exponents, terms inside a chunk
        final ScratchParts.Part direct; // (P tiles, batch, H, L): of steps, but for their exponents
        final ScratchParts.Part terms; // (2, N tiles, batch, H, L): of exponents, terms through a state
        final ScratchParts.Part skips; // (batch, chunks, H, P): of D
        final ScratchParts.Part skipSums; // (H, P): of D
        final ScratchParts.Part dParameters; // (batch, chunks, 2, H): of dtBias and aLog

        private Gradient(ScratchParts parts, SsdShape s, Counts n, int slices) {
            long rows = (long) n.ofHeads * s.length();
            long chunksOfHeads = (long) n.ofChunks * s.heads();
            this.slices = slices;
            this.dStates = parts.add(states(s, n));
            this.overlap = parts.add(n.pTiles * n.nTiles * chunksOfHeads);
            this.map = parts.add(slices * products(s, n));
            this.within = parts.add(rows);
            this.direct = parts.add(n.pTiles * rows);
            this.terms = parts.add(2 * n.nTiles * rows);
            this.skips = parts.add((long) n.ofChunks * s.innerDim());
            this.skipSums = parts.add(s.innerDim());
            this.dParameters = parts.add(2 * chunksOfHeads);
        }
    }

    private CudaSsdMemory(CudaContext context, SsdShape s, boolean halves, int slices) {
        this.parts = new ScratchParts(context);
        this.n = Counts.of(s);
        long rows = (long) n.ofHeads * s.length();
        this.step = parts.add(rows);
        this.sums = parts.add(2 * rows);
        this.products = parts.add(products(s, n));
        this.states = parts.add(states(s, n));
        this.widened = parts.add(halves ? s.stateShape().size() : 0);
        this.gradient = slices == 0 ? null : new Gradient(parts, s, n, slices);
        parts.allocate();
    }

    /** @param halves whether the states are BF16 */
    static CudaSsdMemory ofScan(CudaContext context, SsdShape s, boolean halves) {
        return new CudaSsdMemory(context, s, halves, 0);
    }

    /** @param slices that the heads of a group are split in, 1 or more */
    static CudaSsdMemory ofGradient(CudaContext context, SsdShape s, int slices) {
        return new CudaSsdMemory(context, s, false, slices);
    }

    private static long states(SsdShape s, Counts n) {
        return (long) n.ofChunks * s.heads() * s.headDim() * s.dState();
    }

    private static long products(SsdShape s, Counts n) {
        return (long) n.ofChunks * s.groups() * CHUNK * CHUNK;
    }

    @Override
    public void close() {
        parts.close();
    }
}
