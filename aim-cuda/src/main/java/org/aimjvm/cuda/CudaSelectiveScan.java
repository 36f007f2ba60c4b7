package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
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

    void forward(Storage y, Storage finalState, SelectiveScan.Inputs in, SelectiveShape s) {
        scan(plain(y).address(), orNull(finalState), 0, in, s);
    }

    /**
     * {@code y} and {@code finalState} of a scan, and the states at the starts of chunks: 0 or {@code null}, not
     * wanted.
     */
    private void scan(long y, CudaStorage finalState, long starts, SelectiveScan.Inputs in, SelectiveShape s) {
        int lanes = lanes(s.dState(), WIDTH, 1);
        int tasks = s.batch() * s.channels();
        for (int n0 = 0; n0 < s.dState(); n0 += WIDTH * lanes) {
            // @formatter:off: a group of operands per line
            scan.launch(
                    Grid.of(Grid.blocks(tasks, THREADS / lanes), THREADS),
                    y, finalState, starts,
                    plain(in.x()), plain(in.delta()), orNull(in.deltaBias()), plain(in.aLog()),
                    plain(in.b()), plain(in.c()), orNull(in.d()), orNull(in.initialState()),
                    n0, lanes, tasks, s.length(), s.channels(), s.dState());
            // @formatter:on
        }
    }

    void backward(
            SelectiveScan.Gradients out, Storage dy, Storage dFinalState, SelectiveScan.Inputs in, SelectiveShape s) {
        int dState = s.dState();
        int lanes = lanes(dState, 1, MIN_GRADIENT_LANES);
        int channelsAtOnce = THREADS / lanes;
        int sets = Math.clamp(Grid.blocks(s.channels(), channelsAtOnce), 1, CHANNELS_OF_BLOCK / channelsAtOnce);
        int blocks = Grid.blocks(s.channels(), sets * channelsAtOnce);
        try (Memory m = new Memory(context, out, s, blocks)) {
            scan(0, null, m.starts.address(), in, s);
            carry(m, out, plain(dy), dFinalState, in, s);
            for (int n0 = 0; n0 < dState; n0 += lanes) {
                // @formatter:off: a group of operands per line
                gradient.launch(
                        Grid.of(m.ofChunks * blocks, THREADS),
                        orNull(out.dX()), orNull(out.dDelta()), m.dB(), m.dC(),
                        m.starts.address(), m.dDeltaBias.address(), m.dSkip.address(), m.ends.address(),
                        plain(dy), plain(in.x()), plain(in.delta()), orNull(in.deltaBias()), plain(in.aLog()),
                        plain(in.b()), plain(in.c()), orNull(in.d()),
                        n0, lanes, sets, s.batch(), s.length(), s.channels(), dState);
                // @formatter:on
            }
            sum(out.dDeltaBias(), m.dDeltaBias.address(), m.ofChunks, s.channels());
            sum(out.dD(), m.dSkip.address(), m.ofChunks, s.channels());
            sum(out.dALog(), m.starts.address(), m.ofChunks, s.channels() * dState);
            sum(out.dB(), m.dB(), blocks, s.rows() * dState);
            sum(out.dC(), m.dC(), blocks, s.rows() * dState);
        }
    }

    /** Gradients of the states at the ends of chunks, and of the initial state. */
    private void carry(
            Memory m, SelectiveScan.Gradients out, CudaStorage dy, Storage dFinalState, SelectiveScan.Inputs in,
            SelectiveShape s) {
        int lanes = lanes(s.dState(), WIDTH, 1);
        int tasks = s.batch() * s.channels();
        for (int n0 = 0; n0 < s.dState(); n0 += WIDTH * lanes) {
            // @formatter:off: a group of operands per line
            carry.launch(
                    Grid.of(Grid.blocks(tasks, THREADS / lanes), THREADS),
                    m.ends.address(), orNull(out.dInitialState()),
                    orNull(dFinalState), dy, plain(in.delta()), orNull(in.deltaBias()), plain(in.aLog()), plain(in.c()),
                    n0, lanes, tasks, s.length(), s.channels(), s.dState());
            // @formatter:on
        }
    }

    /** Device memory of a gradient: states at the borders of chunks of 16 elements, and partial sums. */
    private static final class Memory implements AutoCloseable {
        final int ofChunks; // chunks of all sequences
        final ScratchParts.Part starts; // (batch, chunks, channels, N): states, then the gradients of aLog
        final ScratchParts.Part ends; // (batch, chunks, channels, N): gradients of states
        final ScratchParts.Part dDeltaBias; // (batch, chunks, channels)
        final ScratchParts.Part dSkip; // (batch, chunks, channels): gradient of D
        private final ScratchParts.Part dB; // (blocks of channels, batch, L, N); null: not wanted
        private final ScratchParts.Part dC; // (blocks of channels, batch, L, N); null: not wanted
        private final ScratchParts parts;

        Memory(CudaContext context, SelectiveScan.Gradients out, SelectiveShape s, int blocks) {
            this.parts = new ScratchParts(context);
            this.ofChunks = s.batch() * Grid.blocks(s.length(), CHUNK);
            long channels = (long) ofChunks * s.channels();
            long perElement = (long) blocks * s.rows() * s.dState();
            this.starts = parts.add(channels * s.dState());
            this.ends = parts.add(channels * s.dState());
            this.dDeltaBias = parts.add(channels);
            this.dSkip = parts.add(channels);
            this.dB = out.dB() == null ? null : parts.add(perElement);
            this.dC = out.dC() == null ? null : parts.add(perElement);
            parts.allocate();
        }

        /** 0: not wanted. */
        long dB() {
            return dB == null ? 0 : dB.address();
        }

        /** 0: not wanted. */
        long dC() {
            return dC == null ? 0 : dC.address();
        }

        @Override
        public void close() {
            parts.close();
        }
    }

    private void sum(Storage out, long partial, int rows, int columns) {
        if (out != null) {
            sum.launch(
                    Grid.of(Grid.blocks(columns, WARP), 1).threads(WARP, 8), plain(out), partial, rows, columns);
        }
    }
}
