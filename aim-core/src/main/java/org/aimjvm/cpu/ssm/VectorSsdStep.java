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
 * The recurrent update of the SSD scan, {@code S = decay S + d x B^T}, {@code y = S C + D x}, in one pass over the
 * state: what is written is contracted with C while it is in registers. The states of a model are larger than the
 * cache, so this runs at the speed at which memory is read and written.
 */
final class VectorSsdStep {
    private static final int LANES = Simd.LANES;
    /** Bytes of state of a piece: some microseconds of work, and pieces enough to share evenly. */
    private static final int PIECE_BYTES = 1 << 17;

    private final SsdArrays in;
    private final SsdShape s;
    private final float[] ys;
    private final float[] finals; // null: not wanted

    VectorSsdStep(SsdArrays in, float[] ys, float[] finals) {
        this.in = in;
        this.s = in.s();
        this.ys = ys;
        this.finals = finals;
    }

    void run(Parallel parallel) {
        int grain = Math.max(1, PIECE_BYTES / 4 / (s.headDim() * s.dState()));
        parallel.forRange(s.batch() * s.heads(), grain, (from, to) -> {
            for (int i = from; i < to; i++) {
                head(i / s.heads(), i % s.heads());
            }
        });
    }

    private void head(int b, int h) {
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
            update(yAt, at, xAt, bAt, cAt, d, decay);
        } else {
            for (int p = 0; p < pDim; p++) {
                ys[yAt + p] = row(at + p * nDim, bAt, cAt, d * xbc[xAt + p], decay);
            }
        }
        for (int p = 0; p < pDim; p++) {
            ys[yAt + p] = Math.fma(in.skip(h, p), xbc[xAt + p], ys[yAt + p]);
        }
    }

    /**
     * All channels of a head in place, without D; the bits of {@link #row}. One channel after the other, so that memory
     * sees one stream: two or four at a time share the loads of B and C, but take 15 to 40 % longer.
     */
    private void update(int yAt, int stateAt, int xAt, int bAt, int cAt, float d, float decay) {
        float[] xbc = in.xbc();
        float[] states = finals;
        int pDim = s.headDim();
        int nDim = s.dState();
        FloatVector decays = FloatVector.broadcast(Simd.F, decay);
        for (int p = 0; p < pDim; p++) {
            int row = stateAt + p * nDim;
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

    /** One channel, without D. */
    private float row(int at, int bAt, int cAt, float dx, float decay) {
        float[] xbc = in.xbc();
        float[] initials = in.initial();
        float[] finals = this.finals;
        int nDim = s.dState();
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
