package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.I;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * The nearest codebook entry, lanes over entries: each lane keeps the least distance it has seen and the first entry
 * that had it. Distances are summed in the order of the reference and without fusing, so they have its bits and ties
 * fall alike.
 */
final class VectorNearestCode {
    private final Parallel parallel;

    VectorNearestCode(Parallel parallel) {
        this.parallel = parallel;
    }

    void run(int[] codes, float[] z, float[] codebook, int rows, int entries, int dim) {
        int padded = (entries + LANES - 1) / LANES * LANES;
        float[] columns = new float[padded * dim]; // (dim, padded): one load takes a coordinate of LANES entries
        VectorTranspose.transpose(columns, 0, padded, codebook, 0, dim, entries, dim);
        for (int c = 0; c < dim; c++) {
            Arrays.fill(columns, c * padded + entries, (c + 1) * padded, Float.POSITIVE_INFINITY);
        }
        int grain = Math.max(1, (1 << 18) / Math.max(1, padded * dim));
        parallel.forRange(rows, grain, (from, to) -> {
            float[] least = new float[LANES];
            int[] first = new int[LANES];
            for (int r = from; r < to; r++) {
                search(least, first, z, r * dim, columns, padded, dim);
                codes[r] = lowest(least, first);
            }
        });
    }

    private static void search(float[] least, int[] first, float[] z, int zOff, float[] columns, int padded, int dim) {
        FloatVector best = FloatVector.broadcast(F, Float.POSITIVE_INFINITY);
        IntVector bestEntry = IntVector.zero(I);
        IntVector lane = IntVector.zero(I).addIndex(1);
        for (int e = 0; e < padded; e += LANES) {
            FloatVector distance = FloatVector.zero(F);
            for (int c = 0; c < dim; c++) {
                FloatVector diff = FloatVector.broadcast(F, z[zOff + c])
                        .sub(FloatVector.fromArray(F, columns, c * padded + e));
                distance = distance.add(diff.mul(diff));
            }
            VectorMask<Float> nearer = distance.compare(VectorOperators.LT, best);
            best = best.blend(distance, nearer);
            bestEntry = bestEntry.blend(lane.add(e), nearer.cast(I));
        }
        best.intoArray(least, 0);
        bestEntry.intoArray(first, 0);
    }

    /** The entry of the least distance over the lanes, the lowest on a tie; 0 if no distance was finite. */
    private static int lowest(float[] least, int[] first) {
        float best = Float.POSITIVE_INFINITY;
        int entry = 0;
        for (int l = 0; l < LANES; l++) {
            if (least[l] < best || (least[l] == best && best < Float.POSITIVE_INFINITY && first[l] < entry)) {
                best = least[l];
                entry = first[l];
            }
        }
        return entry;
    }
}
