package org.aimjvm.cuda;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * A frozen weight matrix (out, in), row-major. Elements as in {@link org.aimjvm.backend.WeightMatrix}: floats, the
 * upper halves of floats, bytes, or pairs of 4-bit integers; the scales of the integers in memory of their own.
 */
final class CudaWeights extends CudaStorage {
    private final WeightFormat format;
    private final int out;
    private final int in;
    private final CudaStorage scales;

    /** @param scales F32, (out) for INT8, (out, in / 32) for INT4, else {@code null} */
    CudaWeights(
            DeviceMemory memory, DeviceMemory.Block values, WeightFormat format, int out, int in, CudaStorage scales) {
        super(memory, values, DType.F32, out * in);
        this.format = format;
        this.out = out;
        this.in = in;
        this.scales = scales;
    }

    /** Copies a matrix to the device as it is given; BF16 is rounded to nearest even. */
    static CudaWeights of(CudaContext context, WeightMatrix m) {
        DeviceMemory memory = context.memory();
        Transfers transfers = context.transfers();
        int n = m.out() * m.in();
        return switch (m) {
            case WeightMatrix.Int8 w -> {
                DeviceMemory.Block values = memory.allocate(n);
                transfers.write(values, 0, 1, n, (buffer, from, count) -> buffer.put(w.values(), from, count));
                yield new CudaWeights(memory, values, WeightFormat.INT8, m.out(), m.in(), floats(context, w.scales()));
            }
            case WeightMatrix.Int4 w -> {
                DeviceMemory.Block values = memory.allocate(n / 2);
                transfers.write(values, 0, 1, n / 2, (buffer, from, count) -> buffer.put(w.values(), from, count));
                yield new CudaWeights(memory, values, WeightFormat.INT4, m.out(), m.in(), floats(context, w.scales()));
            }
            default -> {
                float[] floats = m.floats();
                boolean half = m.format() == WeightFormat.BF16;
                DeviceMemory.Block values = memory.allocate((half ? 2L : 4L) * n);
                if (half) {
                    transfers.write(values, 0, 2, n, (buffer, from, count) -> {
                        for (int i = 0; i < count; i++) {
                            int bits = Float.floatToRawIntBits(Quantization.toBf16(floats[from + i]));
                            buffer.putShort((short) (bits >>> 16));
                        }
                    });
                } else {
                    transfers.write(values, 0, 4, n,
                            (buffer, from, count) -> buffer.asFloatBuffer().put(floats, from, count));
                }
                yield new CudaWeights(memory, values, m.format(), m.out(), m.in(), null);
            }
        };
    }

    private static CudaStorage floats(CudaContext context, float[] values) {
        CudaStorage s = context.allocate(DType.F32, values.length);
        context.transfers().write(s.block(), 0, Float.BYTES, values.length,
                (buffer, from, count) -> buffer.asFloatBuffer().put(values, from, count));
        return s;
    }

    @Override
    public boolean isFrozen() {
        return true;
    }

    @Override
    boolean isPlain() {
        return format == WeightFormat.F32;
    }

    WeightFormat format() {
        return format;
    }

    int out() {
        return out;
    }

    int in() {
        return in;
    }

    CudaStorage scales() {
        return scales;
    }
}
