package org.aimjvm.sample;

import java.util.Arrays;

/**
 * Finds one value of many by its rank or by the weight below it, without sorting: counts the leading bits of all
 * values, picks the bucket that holds the one wanted, then looks at the next bits of that bucket only. Three passes of
 * 11, 11 and 10 bits, whatever the values are; nothing is allocated.
 */
final class RadixSelect {
    private static final int[] SHIFTS = {21, 10, 0};
    private static final int BUCKETS = 1 << 11;

    private final int[] counts = new int[BUCKETS];
    private final double[] sums = new double[BUCKETS];
    private int copiesBelow;

    /**
     * The {@code k}-th largest of {@code values[offset, offset + n)}, which must not hold NaN. Not modified.
     *
     * @param k 1 to n
     */
    float kthLargest(float[] values, int offset, int n, int k) {
        int prefix = 0;
        int mask = 0;
        int rank = k;
        for (int shift : SHIFTS) {
            Arrays.fill(counts, 0);
            for (int i = offset; i < offset + n; i++) {
                int key = toKey(values[i]);
                if ((key & mask) == prefix) {
                    counts[key >>> shift & BUCKETS - 1]++;
                }
            }
            int bucket = BUCKETS - 1;
            while (counts[bucket] < rank) {
                rank -= counts[bucket--];
            }
            prefix |= bucket << shift;
            mask |= BUCKETS - 1 << shift;
        }
        return fromKey(prefix);
    }

    /**
     * The least value that stays when the smallest of {@code weights} are dropped one after another as long as their
     * sum is at most {@code limit}; the greatest always stays. Of several copies of it some may go: {@link
     * #copiesBelow}.
     *
     * @param weights none negative or NaN, at least one positive; zeros do not count. Not modified
     */
    float leastKept(float[] weights, double limit) {
        int prefix = 0;
        int mask = 0;
        double below = 0; // sum of all weights less than the prefix; at most the limit
        int copies = 0;
        for (int shift : SHIFTS) {
            Arrays.fill(counts, 0);
            Arrays.fill(sums, 0);
            for (float w : weights) {
                int key = Float.floatToRawIntBits(w); // positive floats are ordered like their bits
                if (key != 0 && (key & mask) == prefix) {
                    int bucket = key >>> shift & BUCKETS - 1;
                    counts[bucket]++;
                    sums[bucket] += w;
                }
            }
            int greatest = BUCKETS - 1;
            while (counts[greatest] == 0) {
                greatest--;
            }
            int bucket = 0;
            while (bucket < greatest && below + sums[bucket] <= limit) {
                below += sums[bucket++];
            }
            copies = counts[bucket];
            prefix |= bucket << shift;
            mask |= BUCKETS - 1 << shift;
        }
        float value = Float.intBitsToFloat(prefix);
        copiesBelow = 0;
        while (copiesBelow < copies - 1 && below + value <= limit) {
            below += value;
            copiesBelow++;
        }
        return value;
    }

    /** How many copies of the value that {@link #leastKept} found last are dropped; at least one copy stays. */
    int copiesBelow() {
        return copiesBelow;
    }

    /** A number whose unsigned order is the order of the floats. */
    private static int toKey(float x) {
        int bits = Float.floatToRawIntBits(x + 0f); // + 0f: -0 and 0 are equal
        return bits ^ (bits >> 31 | Integer.MIN_VALUE);
    }

    private static float fromKey(int key) {
        return Float.intBitsToFloat(key ^ (~key >> 31 | Integer.MIN_VALUE));
    }
}
