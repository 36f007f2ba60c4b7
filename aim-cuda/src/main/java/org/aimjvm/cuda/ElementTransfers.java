package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Storage;

/** Reads, writes, copies and fills the elements of storages, after checking their type and range. */
final class ElementTransfers {
    private final Gpu gpu;
    private final Transfers transfers;

    ElementTransfers(CudaContext context) {
        this.gpu = context.gpu();
        this.transfers = context.transfers();
    }

    private static DeviceMemory.Block block(Storage s, DType expected, int offset, int count) {
        CudaStorage c = CudaStorage.any(s);
        if (c.dtype() != expected) {
            throw new IllegalArgumentException("storage: " + c.dtype() + ", expected " + expected);
        }
        checkRange(c, offset, count);
        return c.block();
    }

    /** @throws IndexOutOfBoundsException unless a storage has {@code count} elements from {@code offset} on */
    static void checkRange(Storage s, int offset, int count) {
        if (offset < 0 || count < 0 || (long) offset + count > s.size()) {
            throw new IndexOutOfBoundsException("storage: elements " + offset + " to " + ((long) offset + count)
                    + ", expected within " + s.size());
        }
    }

    /** As {@link org.aimjvm.backend.Backend#write(Storage, int, float[], int, int)}. */
    void write(Storage dst, int offset, float[] values, int from, int count) {
        if (dst.dtype() == DType.BF16) {
            transfers.write(block(dst, DType.BF16, offset, count), 2L * offset, 2, count, (buffer, at, n) -> {
                for (int i = 0; i < n; i++) {
                    buffer.putShort((short) Quantization.bf16Bits(values[from + at + i]));
                }
            });
            return;
        }
        transfers.write(block(dst, DType.F32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asFloatBuffer().put(values, from + at, n));
    }

    /** As {@link org.aimjvm.backend.Backend#write(Storage, int, int[], int, int)}. */
    void write(Storage dst, int offset, int[] values, int from, int count) {
        transfers.write(block(dst, DType.I32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asIntBuffer().put(values, from + at, n));
    }

    /**
     * As {@link org.aimjvm.backend.Backend#read(Storage, int, float[], int, int)}, of a storage whose elements lie
     * plain.
     */
    void read(Storage src, int offset, float[] values, int to, int count) {
        if (src.dtype() == DType.BF16) {
            transfers.read(block(src, DType.BF16, offset, count), 2L * offset, 2, count, (buffer, at, n) -> {
                for (int i = 0; i < n; i++) {
                    values[to + at + i] = Float.intBitsToFloat(buffer.getShort() << 16);
                }
            });
            return;
        }
        transfers.read(block(src, DType.F32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asFloatBuffer().get(values, to + at, n));
    }

    /** As {@link org.aimjvm.backend.Backend#read(Storage, int, int[], int, int)}. */
    void read(Storage src, int offset, int[] values, int to, int count) {
        transfers.read(block(src, DType.I32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asIntBuffer().get(values, to + at, n));
    }

    /** As {@link org.aimjvm.backend.Backend#copy}. */
    void copy(Storage dst, int dstOffset, Storage src, int srcOffset, int count) {
        DeviceMemory.Block to = block(dst, src.dtype(), dstOffset, count);
        DeviceMemory.Block from = block(src, src.dtype(), srcOffset, count);
        if (count > 0) {
            synchronized (gpu) {
                gpu.enter();
                long width = src.dtype().bytes();
                check(JCudaDriver.cuMemcpyDtoDAsync(
                        to.pointer(width * dstOffset), from.pointer(width * srcOffset), width * count, gpu.stream()),
                        "cuMemcpyDtoDAsync");
            }
        }
    }

    /** As {@link org.aimjvm.backend.Backend#fill}. */
    void fill(Storage dst, int offset, int count, float value) {
        boolean half = dst.dtype() == DType.BF16;
        DeviceMemory.Block to = block(dst, half ? DType.BF16 : DType.F32, offset, count);
        if (count > 0) {
            synchronized (gpu) {
                gpu.enter();
                if (half) {
                    check(JCudaDriver.cuMemsetD16Async(
                            to.pointer(2L * offset), (short) Quantization.bf16Bits(value), count, gpu.stream()),
                            "cuMemsetD16Async");
                    return;
                }
                check(JCudaDriver.cuMemsetD32Async(
                        to.pointer(4L * offset), Float.floatToRawIntBits(value), count, gpu.stream()),
                        "cuMemsetD32Async");
            }
        }
    }
}
