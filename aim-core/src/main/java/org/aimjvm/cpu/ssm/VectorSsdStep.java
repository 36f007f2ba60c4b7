package org.aimjvm.cpu.ssm;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.ScalarTwins;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;

/**
 * The recurrent update of the SSD scan, {@code S = decay S + d x B^T}, {@code y = S C + D x}, in one pass over the state:
 * what is written is contracted with C while it is in registers. The states of a model are larger than the cache, so this
 * runs at the speed at which memory is read and written.
 */
final class VectorSsdStep {
    private static final int LANES = Simd.LANES;
    /** Bytes of state of a piece: some microseconds of work, and pieces enough to share evenly. */
    private static final int PIECE_BYTES = 1 << 17;

    private VectorSsdStep() {}

    static void run(SsdInputs in, float[] ys, float[] finals, Parallel parallel) {
        SsdShape s = in.s();
        int grain = Math.max(1, PIECE_BYTES / 4 / (s.headDim() * s.dState()));
        parallel.forRange(s.batch() * s.heads(), grain, (from, to) -> {
            for (int i = from; i < to; i++) {
                head(in, ys, finals, i / s.heads(), i % s.heads());
            }
        });
    }

    private static void head(SsdInputs in, float[] ys, float[] finals, int b, int h) {
        SsdShape s = in.s();
        int pDim = s.headDim();
        int nDim = s.dState();
        float d = in.step(b, h);
        float decay = VectorMath.exp(d * in.a(h));
        float[] xbc = in.xbc();
        int xAt = in.xAt(b, h);
        int yAt = b * s.innerDim() + h * pDim;
        int bAt = in.bAt(b, h);
        int cAt = in.cAt(b, h);
        int at = in.stateAt(b, h);
        if (Warmth.isCold()) {
            float[] sums = new float[LANES];
            for (int p = 0; p < pDim; p++) {
                ys[yAt + p] = ScalarTwins.ssdRow(
                        finals, in.initial(), at + p * nDim, xbc, bAt, cAt, nDim, d * xbc[xAt + p], decay, sums);
            }
        } else if (finals != null && in.initial() == finals && nDim % LANES == 0) {
            update(ys, yAt, finals, at, xbc, xAt, bAt, cAt, pDim, nDim, d, decay);
        } else {
            for (int p = 0; p < pDim; p++) {
                ys[yAt + p] = row(finals, in.initial(), at + p * nDim, xbc, bAt, cAt, nDim, d * xbc[xAt + p], decay);
            }
        }
        for (int p = 0; p < pDim; p++) {
            ys[yAt + p] = Math.fma(in.skip(h, p), xbc[xAt + p], ys[yAt + p]);
        }
    }

    /**
     * All channels of a head in place, without D; the bits of {@link #row}. One channel after the other, so that memory sees
     * one stream: two or four at a time share the loads of B and C, but take 15 to 40 % longer.
     */
    private static void update(
            float[] ys, int yAt, float[] states, int at, float[] xbc, int xAt, int bAt, int cAt, int pDim, int nDim,
            float d, float decay) {
        FloatVector decays = FloatVector.broadcast(Simd.F, decay);
        for (int p = 0; p < pDim; p++) {
            int row = at + p * nDim;
            float dx = d * xbc[xAt + p];
            FloatVector sum = FloatVector.zero(Simd.F);
            for (int n = 0; n < nDim; n += LANES) {
                FloatVector input = FloatVector.fromArray(Simd.F, xbc, bAt + n).mul(dx);
                FloatVector state = FloatVector.fromArray(Simd.F, states, row + n).fma(decays, input);
                state.intoArray(states, row + n);
                sum = state.fma(FloatVector.fromArray(Simd.F, xbc, cAt + n), sum);
            }
            ys[yAt + p] = Lanes.sum(sum);
        }
    }

    /** One channel, without D: {@code initials} {@code null} for zeros, {@code finals} {@code null} if not wanted. */
    private static float row(
            float[] finals, float[] initials, int at, float[] xbc, int bAt, int cAt, int nDim, float dx, float decay) {
        int bound = Simd.F.loopBound(nDim);
        FloatVector sum = FloatVector.zero(Simd.F);
        for (int n = 0; n < bound; n += LANES) {
            FloatVector state = FloatVector.fromArray(Simd.F, xbc, bAt + n).mul(dx);
            if (initials != null) {
                state = FloatVector.fromArray(Simd.F, initials, at + n).fma(FloatVector.broadcast(Simd.F, decay),
                        state);
            }
            if (finals != null) {
                state.intoArray(finals, at + n);
            }
            sum = state.fma(FloatVector.fromArray(Simd.F, xbc, cAt + n), sum);
        }
        float total = Lanes.sum(sum);
        for (int n = bound; n < nDim; n++) {
            float state = xbc[bAt + n] * dx;
            if (initials != null) {
                state = Math.fma(initials[at + n], decay, state);
            }
            if (finals != null) {
                finals[at + n] = state;
            }
            total = Math.fma(state, xbc[cAt + n], total);
        }
        return total;
    }
}
