package org.aimjvm.cuda;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * A weight matrix (out, in), row-major, that is only read. Elements as in {@link org.aimjvm.backend.WeightMatrix}: floats, the upper
 * halves of floats, bytes, or pairs of 4-bit integers; the scales of the integers in memory of their own.
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
    static CudaWeights of(CudaBackend backend, WeightMatrix m) {
        DeviceMemory memory = backend.memory();
        int n = m.out() * m.in();
        backend.gemm().prepare(m.format());
        backend.fusedKernels().prepare(m.format());
        return switch (m) {
            case WeightMatrix.Int8 w -> {
                DeviceMemory.Block values = memory.allocate(n);
                backend.write(values, 1, n, (buffer, from, count) -> buffer.put(w.values(), from, count));
                yield new CudaWeights(memory, values, WeightFormat.INT8, m.out(), m.in(), floats(backend, w.scales()));
            }
            case WeightMatrix.Int4 w -> {
                DeviceMemory.Block values = memory.allocate(n / 2);
                backend.write(values, 1, n / 2, (buffer, from, count) -> buffer.put(w.values(), from, count));
                yield new CudaWeights(memory, values, WeightFormat.INT4, m.out(), m.in(), floats(backend, w.scales()));
            }
            default -> {
                float[] floats = m.floats();
                boolean half = m.format() == WeightFormat.BF16;
                DeviceMemory.Block values = memory.allocate((half ? 2L : 4L) * n);
                if (half) {
                    backend.write(values, 2, n, (buffer, from, count) -> {
                        for (int i = 0; i < count; i++) {
                            int bits = Float.floatToRawIntBits(Quantization.toBf16(floats[from + i]));
                            buffer.putShort((short) (bits >>> 16));
                        }
                    });
                } else {
                    backend.write(values, 4, n,
                            (buffer, from, count) -> buffer.asFloatBuffer().put(floats, from, count));
                }
                yield new CudaWeights(memory, values, m.format(), m.out(), m.in(), null);
            }
        };
    }

    private static CudaStorage floats(CudaBackend backend, float[] values) {
        CudaStorage s = (CudaStorage) backend.allocate(DType.F32, values.length);
        backend.write(s, 0, values, 0, values.length);
        return s;
    }

    @Override
    public boolean isFrozen() {
        return true;
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
