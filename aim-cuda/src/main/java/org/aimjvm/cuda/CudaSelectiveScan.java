package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.Storage;

/** Launches {@code kernels/selective_scan.cu}: Mamba-1's scan and its gradient. */
final class CudaSelectiveScan {
    private static final int THREADS = 128;
    private static final int CHUNK = 16;
    /** Elements of the state that a lane of the loops over time holds. */
    private static final int WIDTH = 4;

    private static final int MIN_GRADIENT_LANES = 4;
    /** Channels whose gradients of B and C a block sums. */
    private static final int CHANNELS_OF_BLOCK = 128;

    private final CudaContext context;
    private final Kernel scan;
    private final Kernel carry;
    private final Kernel gradient;
    private final Kernel sum;

    CudaSelectiveScan(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("selective_scan");
        this.scan = module.kernel("selective_scan_f32");
        this.carry = module.kernel("selective_carry_f32");
        this.gradient = module.kernel("selective_gradient_f32");
        this.sum = module.kernel("selective_sum_f32");
    }

    /** Lanes of a channel: enough for all of N, or a warp. */
    private static int lanes(int dState, int width, int least) {
        return Math.clamp(1 << Grid.log2(Grid.blocks(dState, width)), least, WARP);
    }

    void forward(
            Storage y,
            Storage finalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        scan(
                plain(y).address(), orNull(finalState), 0, x, delta, deltaBias, aLog, bMat, cMat, d, initialState,
                batch, length,
                channels, dState);
    }

    private void scan(
            long y,
            CudaStorage finalState,
            long starts,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        int lanes = lanes(dState, WIDTH, 1);
        int tasks = batch * channels;
        for (int n0 = 0; n0 < dState; n0 += WIDTH * lanes) {
            scan.launch(
                    Grid.of(Grid.blocks(tasks, THREADS / lanes), THREADS), y, finalState, starts, plain(x),
                    plain(delta),
                    orNull(deltaBias), plain(aLog), plain(bMat), plain(cMat), orNull(d), orNull(initialState), n0,
                    lanes, tasks,
                    length, channels, dState);
        }
    }

    void backward(
            Storage dX,
            Storage dDelta,
            Storage dDeltaBias,
            Storage dALog,
            Storage dBMat,
            Storage dCMat,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        int ofChunks = batch * Grid.blocks(length, CHUNK);
        int tasks = batch * channels;
        int lanes = lanes(dState, 1, MIN_GRADIENT_LANES);
        int channelsAtOnce = THREADS / lanes;
        int sets = Math.clamp(Grid.blocks(channels, channelsAtOnce), 1, CHANNELS_OF_BLOCK / channelsAtOnce);
        int blocks = Grid.blocks(channels, sets * channelsAtOnce);
        int rows = batch * length;
        try (ScratchParts parts = new ScratchParts(context)) {
            int starts = parts.add((long) ofChunks * channels * dState);
            int ends = parts.add((long) ofChunks * channels * dState);
            int biases = parts.add((long) ofChunks * channels);
            int skips = parts.add((long) ofChunks * channels);
            int dBs = parts.add(dBMat == null ? 0 : (long) blocks * rows * dState);
            int dCs = parts.add(dCMat == null ? 0 : (long) blocks * rows * dState);
            parts.allocate();
            scan(
                    0, null, parts.at(starts), x, delta, deltaBias, aLog, bMat, cMat, d, initialState, batch, length,
                    channels, dState);
            int loopLanes = lanes(dState, WIDTH, 1);
            for (int n0 = 0; n0 < dState; n0 += WIDTH * loopLanes) {
                carry.launch(
                        Grid.of(Grid.blocks(tasks, THREADS / loopLanes), THREADS), parts.at(ends),
                        orNull(dInitialState),
                        orNull(dFinalState), plain(dy), plain(delta), orNull(deltaBias), plain(aLog), plain(cMat), n0,
                        loopLanes, tasks, length, channels, dState);
            }
            for (int n0 = 0; n0 < dState; n0 += lanes) {
                gradient.launch(
                        Grid.of(ofChunks * blocks, THREADS), orNull(dX), orNull(dDelta),
                        dBMat == null ? 0L : parts.at(dBs),
                        dCMat == null ? 0L : parts.at(dCs), parts.at(starts), parts.at(biases), parts.at(skips),
                        parts.at(ends),
                        plain(dy), plain(x), plain(delta), orNull(deltaBias), plain(aLog), plain(bMat), plain(cMat),
                        orNull(d),
                        n0, lanes, sets, batch, length, channels, dState);
            }
            sum(dDeltaBias, parts.at(biases), ofChunks, channels);
            sum(dD, parts.at(skips), ofChunks, channels);
            sum(dALog, parts.at(starts), ofChunks, channels * dState);
            sum(dBMat, parts.at(dBs), blocks, rows * dState);
            sum(dCMat, parts.at(dCs), blocks, rows * dState);
        }
    }

    private void sum(Storage out, long partial, int rows, int columns) {
        if (out != null) {
            sum.launch(
                    Grid.of(Grid.blocks(columns, WARP), 1).threads(WARP, 8), plain(out), partial, rows, columns);
        }
    }
}
