package org.aimjvm.cpu.memory;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;

/** A frozen weight matrix (out, in), packed for its products, which it does itself; its elements read as F32. */
public abstract class FrozenWeights extends Storage {
    public final int out;
    public final int in;

    public FrozenWeights(int out, int in) {
        super(DType.F32, Math.multiplyExact(out, in));
        this.out = out;
        this.in = in;
        Warmth.expect(out, in);
    }

    @Override
    public final boolean isFrozen() {
        return true;
    }

    /** {@code y = x W^T}; y is (rows, out), x (rows, in). */
    public abstract void multiply(float[] y, float[] x, int rows, Parallel parallel);

    /** Copies row {@code j}, {@code in} elements, to {@code values} from {@code to} on. */
    public abstract void row(int j, float[] values, int to);

    /**
     * Copies elements {@code [offset, offset + count)} of the row-major matrix to {@code values} from {@code to} on.
     */
    public final void read(int offset, float[] values, int to, int count) {
        float[] row = new float[in];
        for (int done = 0; done < count;) {
            int k = (offset + done) % in;
            int n = Math.min(in - k, count - done);
            row((offset + done) / in, row, 0);
            System.arraycopy(row, k, values, to + done, n);
            done += n;
        }
    }
}
