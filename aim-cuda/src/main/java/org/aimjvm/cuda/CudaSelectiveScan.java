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
            scan.on(Grid.of(Grid.blocks(tasks, THREADS / lanes), THREADS))
                    .arg("y", y).arg("last", finalState).arg("starts", starts).arg("x", plain(in.x()))
                    .arg("delta", plain(in.delta())).arg("delta_bias", orNull(in.deltaBias()))
                    .arg("a_log", plain(in.aLog())).arg("b_mat", plain(in.b())).arg("c_mat", plain(in.c()))
                    .arg("d", orNull(in.d())).arg("initial", orNull(in.initialState()))
                    .arg("n0", n0).arg("lanes", lanes).arg("tasks", tasks).arg("length", s.length())
                    .arg("channels", s.channels()).arg("d_state", s.dState())
                    .launch();
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
                gradient.on(Grid.of(m.ofChunks * blocks, THREADS))
                        .arg("dx", orNull(out.dX())).arg("ddelta", orNull(out.dDelta())).arg("db", m.dB())
                        .arg("dc", m.dC()).arg("starts", m.starts.address())
                        .arg("dbias", m.dDeltaBias.address()).arg("dskip", m.dSkip.address())
                        .arg("ends", m.ends.address()).arg("dy", plain(dy)).arg("x", plain(in.x()))
                        .arg("delta", plain(in.delta())).arg("delta_bias", orNull(in.deltaBias()))
                        .arg("a_log", plain(in.aLog())).arg("b_mat", plain(in.b())).arg("c_mat", plain(in.c()))
                        .arg("d", orNull(in.d()))
                        .arg("n0", n0).arg("lanes", lanes).arg("sets", sets).arg("batch", s.batch())
                        .arg("length", s.length()).arg("channels", s.channels()).arg("d_state", dState)
                        .launch();
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
            carry.on(Grid.of(Grid.blocks(tasks, THREADS / lanes), THREADS))
                    .arg("ends", m.ends.address()).arg("d_initial", orNull(out.dInitialState()))
                    .arg("d_last", orNull(dFinalState))
                    .arg("dy", dy)
                    .arg("delta", plain(in.delta())).arg("delta_bias", orNull(in.deltaBias()))
                    .arg("a_log", plain(in.aLog())).arg("c_mat", plain(in.c()))
                    .arg("n0", n0).arg("lanes", lanes).arg("tasks", tasks).arg("length", s.length())
                    .arg("channels", s.channels()).arg("d_state", s.dState())
                    .launch();
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
