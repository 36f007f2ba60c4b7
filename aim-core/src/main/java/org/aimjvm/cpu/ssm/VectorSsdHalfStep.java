package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.gemm.PackedHalves;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.VectorMath;

/**
 * {@link VectorSsdStep} with states in BF16: widened when loaded, rounded to nearest even when stored, F32 in between;
 * the outputs are those of the state before rounding. New states have the same bits at every vector width.
 *
 * <p>Elements with even and with odd numbers are worked on apart ({@link PackedHalves}), so B and C are sorted so
 * first, once for the heads of a group. The loop takes two vectors and no more: with four, HotSpot stops inlining, and
 * every vector is boxed.
 */
final class VectorSsdHalfStep {
    /** Bytes of state of a piece, as in {@link VectorSsdStep}. */
    private static final int PIECE_BYTES = 1 << 17;
    private static final int PAIR = 2 * LANES;

    private final SsdArrays in;
    private final SsdShape s;
    private final float[] ys;
    private final short[] initials;
    private final short[] finals;
    private final int pairs; // pairs of B, C and a row of the state that vectors go through

    /** B and C of a group, of as many pairs as vectors go through: the even elements, then the odd ones. */
    static final class Buffers {
        float[] b; // (2, pairs)
        float[] c; // (2, pairs)

        void fit(int dState) {
            b = SsmScratch.grown(b, dState);
            c = SsmScratch.grown(c, dState);
        }
    }

    /**
     * @param in without initial state
     * @param initials {@code null} for zeros
     * @param finals may be {@code initials}; {@code null}: not wanted. One of the two is there
     */
    VectorSsdHalfStep(SsdArrays in, float[] ys, short[] initials, short[] finals) {
        this.in = in;
        this.s = in.s();
        this.ys = ys;
        this.initials = initials;
        this.finals = finals;
        this.pairs = s.dState() / PAIR * LANES;
    }

    void run(Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        int grain = Math.max(1, PIECE_BYTES / 2 / (s.headDim() * s.dState()));
        parallel.forRange(s.batch() * s.heads(), grain, (from, to) -> {
            Buffers m = scratch.get().ssdHalfStep;
            m.fit(s.dState());
            int sorted = -1;
            for (int i = from; i < to; i++) {
                int b = i / s.heads();
                int h = i % s.heads();
                if (in.bAt(b, h) != sorted) {
                    sorted = in.bAt(b, h);
                    sort(m.b, in.xbc(), sorted, pairs);
                    sort(m.c, in.xbc(), in.cAt(b, h), pairs);
                }
                head(b, h, m);
            }
        });
    }

    /**
     * Elements 0, 2, 4, .. of {@code 2 count}, then 1, 3, 5, ... A NaN becomes the one with the least bits, and so do
     * those computed from it: rounding adds to the bits, and would make a number of others.
     */
    private static void sort(float[] to, float[] x, int at, int count) {
        for (int i = 0; i < count; i++) {
            to[i] = oneNaN(x[at + 2 * i]);
            to[count + i] = oneNaN(x[at + 2 * i + 1]);
        }
    }

    private static float oneNaN(float x) {
        return Float.isNaN(x) ? Float.NaN : x;
    }

    private void head(int b, int h, Buffers m) {
        int pDim = s.headDim();
        int nDim = s.dState();
        float d = in.step(b, h);
        float decay = oneNaN(VectorMath.exp(d * in.a(h)));
        float[] xbc = in.xbc();
        int xAt = in.xAt(b, h);
        int yAt = b * s.innerDim() + h * pDim;
        int at = in.stateAt(b, h);
        if (initials == null) {
            Arrays.fill(finals, at, at + pDim * nDim, (short) 0);
        }
        short[] from = initials == null ? finals : initials;
        if (from == finals) {
            update(yAt, at, xAt, m, d, decay);
        } else {
            rows(yAt, at, xAt, m, d, decay);
        }
        for (int p = 0; p < pDim; p++) {
            float x = xbc[xAt + p];
            float y = ys[yAt + p];
            if (2 * pairs < nDim) {
                y += tail(from, at + p * nDim, in.bAt(b, h), in.cAt(b, h), d * x, decay);
            }
            ys[yAt + p] = Math.fma(in.skip(h, p), x, y);
        }
    }

    /**
     * {@link #rows} in place, which decoding does: a quarter faster than with two arrays of which one may be missing.
     */
    private void update(int yAt, int stateAt, int xAt, Buffers m, float d, float decay) {
        float[] xbc = in.xbc();
        short[] states = finals;
        float[] bs = m.b;
        float[] cs = m.c;
        int count = pairs;
        int pDim = s.headDim();
        int nDim = s.dState();
        FloatVector decays = FloatVector.broadcast(F, decay);
        for (int p = 0; p < pDim; p++) {
            int row = stateAt + p * nDim;
            float dx = oneNaN(d * xbc[xAt + p]);
            FloatVector evenSum = FloatVector.zero(F);
            FloatVector oddSum = FloatVector.zero(F);
            for (int i = 0; i < count; i += LANES) {
                IntVector pairs = PackedHalves.load(states, row + 2 * i);
                FloatVector even = PackedHalves.even(pairs).fma(decays, FloatVector.fromArray(F, bs, i).mul(dx));
                FloatVector odd = PackedHalves.odd(pairs).fma(decays, FloatVector.fromArray(F, bs, count + i).mul(dx));
                PackedHalves.store(even, odd, states, row + 2 * i);
                evenSum = even.fma(FloatVector.fromArray(F, cs, i), evenSum);
                oddSum = odd.fma(FloatVector.fromArray(F, cs, count + i), oddSum);
            }
            ys[yAt + p] = Lanes.sum(evenSum.add(oddSum));
        }
    }

    /**
     * What vectors go through of all channels of a head, from an initial state that is not the final one; without D.
     */
    private void rows(int yAt, int stateAt, int xAt, Buffers m, float d, float decay) {
        float[] xbc = in.xbc();
        short[] initials = this.initials;
        short[] finals = this.finals;
        float[] bs = m.b;
        float[] cs = m.c;
        int count = pairs;
        int pDim = s.headDim();
        int nDim = s.dState();
        FloatVector decays = FloatVector.broadcast(F, decay);
        for (int p = 0; p < pDim; p++) {
            int row = stateAt + p * nDim;
            float dx = oneNaN(d * xbc[xAt + p]);
            FloatVector evenSum = FloatVector.zero(F);
            FloatVector oddSum = FloatVector.zero(F);
            for (int i = 0; i < count; i += LANES) {
                IntVector pairs = PackedHalves.load(initials, row + 2 * i);
                FloatVector even = PackedHalves.even(pairs).fma(decays, FloatVector.fromArray(F, bs, i).mul(dx));
                FloatVector odd = PackedHalves.odd(pairs).fma(decays, FloatVector.fromArray(F, bs, count + i).mul(dx));
                if (finals != null) {
                    PackedHalves.store(even, odd, finals, row + 2 * i);
                }
                evenSum = even.fma(FloatVector.fromArray(F, cs, i), evenSum);
                oddSum = odd.fma(FloatVector.fromArray(F, cs, count + i), oddSum);
            }
            ys[yAt + p] = Lanes.sum(evenSum.add(oddSum));
        }
    }

    /** What vectors leave of a channel, the states before it in {@code from}. */
    private float tail(short[] from, int at, int bAt, int cAt, float dx, float decay) {
        float[] xbc = in.xbc();
        float sum = 0;
        for (int n = 2 * pairs; n < s.dState(); n++) {
            float state = Math.fma(Float.intBitsToFloat(from[at + n] << 16), decay, xbc[bAt + n] * dx);
            if (finals != null) {
                finals[at + n] = (short) Quantization.bf16Bits(state);
            }
            sum = Math.fma(state, xbc[cAt + n], sum);
        }
        return sum;
    }
}
