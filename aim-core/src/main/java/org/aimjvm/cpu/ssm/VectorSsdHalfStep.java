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
 * {@link VectorSsdStep} with states in BF16: widened when loaded, rounded to nearest even when stored, F32 in between; the outputs are
 * those of the state before rounding. New states have the same bits at every vector width.
 *
 * <p>Elements with even and with odd numbers are worked on apart ({@link PackedHalves}), so B and C are sorted so first, once for
 * the heads of a group. The loop takes two vectors and no more: with four, HotSpot stops inlining, and every vector is boxed.
 */
final class VectorSsdHalfStep {
    /** Bytes of state of a piece, as in {@link VectorSsdStep}. */
    private static final int PIECE_BYTES = 1 << 17;
    private static final int PAIR = 2 * LANES;

    private VectorSsdHalfStep() {}

    /**
     * @param in without initial state
     * @param initials {@code null} for zeros
     * @param finals may be {@code initials}; {@code null}: not wanted. One of the two is there
     */
    static void run(
            SsdInputs in, float[] ys, short[] initials, short[] finals, Parallel parallel,
            ThreadLocal<VectorSsdScan.Work> work) {
        SsdShape s = in.s();
        int grain = Math.max(1, PIECE_BYTES / 2 / (s.headDim() * s.dState()));
        parallel.forRange(s.batch() * s.heads(), grain, (from, to) -> {
            float[] bs = work.get().workspace.floats(0, s.dState());
            float[] cs = work.get().workspace.floats(1, s.dState());
            int sorted = -1;
            for (int i = from; i < to; i++) {
                int b = i / s.heads();
                int h = i % s.heads();
                if (in.bAt(b, h) != sorted) {
                    sorted = in.bAt(b, h);
                    sort(bs, in.xbc(), sorted, s.dState() / PAIR * LANES);
                    sort(cs, in.xbc(), in.cAt(b, h), s.dState() / PAIR * LANES);
                }
                head(in, ys, initials, finals, b, h, bs, cs);
            }
        });
    }

    /**
     * Elements 0, 2, 4, .. of {@code 2 count}, then 1, 3, 5, ... A NaN becomes the one with the least bits, and so do those computed
     * from it: rounding adds to the bits, and would make a number of others.
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

    private static void head(
            SsdInputs in, float[] ys, short[] initials, short[] finals, int b, int h, float[] bs, float[] cs) {
        SsdShape s = in.s();
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
        int pairs = nDim / PAIR * LANES;
        if (from == finals) {
            update(ys, yAt, finals, at, xbc, xAt, bs, cs, pairs, pDim, nDim, d, decay);
        } else {
            rows(ys, yAt, from, finals, at, xbc, xAt, bs, cs, pairs, pDim, nDim, d, decay);
        }
        for (int p = 0; p < pDim; p++) {
            float x = xbc[xAt + p];
            float y = ys[yAt + p];
            if (2 * pairs < nDim) {
                y += tail(from, finals, at + p * nDim, xbc, in.bAt(b, h), in.cAt(b, h), 2 * pairs, nDim, d * x, decay);
            }
            ys[yAt + p] = Math.fma(in.skip(h, p), x, y);
        }
    }

    /** {@link #rows} in place, which decoding does: a quarter faster than with two arrays of which one may be missing. */
    private static void update(
            float[] ys, int yAt, short[] states, int at, float[] xbc, int xAt, float[] bs, float[] cs, int count,
            int pDim, int nDim, float d, float decay) {
        FloatVector decays = FloatVector.broadcast(F, decay);
        for (int p = 0; p < pDim; p++) {
            int row = at + p * nDim;
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

    /** The first {@code 2 count} elements of all channels of a head, without D. */
    private static void rows(
            float[] ys, int yAt, short[] initials, short[] finals, int at, float[] xbc, int xAt, float[] bs, float[] cs,
            int count, int pDim, int nDim, float d, float decay) {
        FloatVector decays = FloatVector.broadcast(F, decay);
        for (int p = 0; p < pDim; p++) {
            int row = at + p * nDim;
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

    /** Elements {@code [from, to)} of a channel. */
    private static float tail(
            short[] initials, short[] finals, int at, float[] xbc, int bAt, int cAt, int from, int to, float dx,
            float decay) {
        float sum = 0;
        for (int n = from; n < to; n++) {
            float state = Math.fma(Float.intBitsToFloat(initials[at + n] << 16), decay, xbc[bAt + n] * dx);
            if (finals != null) {
                finals[at + n] = (short) Quantization.bf16Bits(state);
            }
            sum = Math.fma(state, xbc[cAt + n], sum);
        }
        return sum;
    }
}
