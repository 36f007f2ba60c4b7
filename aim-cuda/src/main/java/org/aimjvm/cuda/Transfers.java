package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/**
 * Copies between Java arrays and device memory, in their turn among the kernels, through one page-locked buffer: the
 * only host memory from which the device reads at full speed.
 */
final class Transfers {
    private static final int BYTES = 4 << 20;

    /** Puts the elements from {@code from} on into the buffer, or takes them from it. */
    @FunctionalInterface
    interface Chunk {
        void move(ByteBuffer buffer, int from, int count);
    }

    private final Gpu gpu;
    private final Pointer pinned = new Pointer();
    private final ByteBuffer buffer;

    Transfers(Gpu gpu) {
        this.gpu = gpu;
        gpu.enter();
        check(JCudaDriver.cuMemAllocHost(pinned, BYTES), "cuMemAllocHost");
        gpu.resources().addPinned(pinned);
        this.buffer = pinned.getByteBuffer(0, BYTES).order(ByteOrder.nativeOrder());
    }

    /** @throws IllegalStateException if this thread is capturing: a replay would not repeat what the host does */
    void expectNoCapture(String what) {
        if (gpu.isCapturedHere()) {
            throw new IllegalStateException(
                    what + ": inside a capture (expected before or after, as it would not be replayed)");
        }
    }

    /**
     * Copies {@code count} elements to the device and waits.
     *
     * @param offset bytes from the start of the block
     * @param width bytes of an element
     * @param fill puts elements into the buffer
     * @throws IllegalStateException if this thread is capturing
     */
    void write(DeviceMemory.Block dst, long offset, int width, int count, Chunk fill) {
        expectNoCapture("write");
        synchronized (gpu) {
            gpu.enter();
            for (int done = 0; done < count;) {
                int n = Math.min(count - done, BYTES / width);
                fill.move(buffer.clear(), done, n);
                check(JCudaDriver.cuMemcpyHtoDAsync(
                        dst.pointer(offset + (long) done * width), pinned, (long) n * width, gpu.stream()),
                        "cuMemcpyHtoDAsync");
                gpu.synchronize();
                done += n;
            }
        }
    }

    /** As {@link #write} from the device; {@code take} gets elements from the buffer. */
    void read(DeviceMemory.Block src, long offset, int width, int count, Chunk take) {
        expectNoCapture("read");
        synchronized (gpu) {
            gpu.enter();
            for (int done = 0; done < count;) {
                int n = Math.min(count - done, BYTES / width);
                check(JCudaDriver.cuMemcpyDtoHAsync(
                        pinned, src.pointer(offset + (long) done * width), (long) n * width, gpu.stream()),
                        "cuMemcpyDtoHAsync");
                gpu.synchronize();
                take.move(buffer.clear(), done, n);
                done += n;
            }
        }
    }

    /** The {@code count} f64 numbers at the start of a block. */
    double[] readDoubles(DeviceMemory.Block src, int count) {
        double[] values = new double[count];
        read(src, 0, Double.BYTES, count, (chunk, at, n) -> chunk.asDoubleBuffer().get(values, at, n));
        return values;
    }
}
