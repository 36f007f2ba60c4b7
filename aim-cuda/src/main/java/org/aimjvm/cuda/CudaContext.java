package org.aimjvm.cuda;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.MatmulPrecision;

/**
 * The context of every family of kernels: one GPU, its memory, the way of data to and from it, the compiled kernels,
 * and how products are to be computed. Knows no family.
 */
final class CudaContext {
    /** Indexes are ints, and the last thread of a launch may look at one shortly after the end. */
    static final int MAX_SIZE = Integer.MAX_VALUE - (1 << 20);

    private final Gpu gpu;
    private final MatmulPrecision precision;
    private final DeviceMemory memory;
    private final Transfers transfers;

    /** @throws org.aimjvm.backend.BackendException if there is no such GPU or it cannot be used */
    CudaContext(int ordinal, MatmulPrecision precision) {
        this.gpu = new Gpu(ordinal);
        this.precision = precision;
        this.memory = new DeviceMemory(gpu);
        this.transfers = new Transfers(gpu);
    }

    Gpu gpu() {
        return gpu;
    }

    MatmulPrecision precision() {
        return precision;
    }

    DeviceMemory memory() {
        return memory;
    }

    Transfers transfers() {
        return transfers;
    }

    /**
     * The kernels of {@code kernels/NAME.cu}.
     *
     * @throws org.aimjvm.backend.BackendException if there is no such file, or the driver refuses it
     */
    KernelModule module(String name) {
        return new KernelModule(gpu, name);
    }

    /**
     * A storage of {@code size} elements, whose contents are undefined.
     *
     * @throws IllegalArgumentException for another type than F32, I32 and BF16, or more elements than kernels can index
     * @throws org.aimjvm.backend.OutOfDeviceMemoryException if the device has not as much
     */
    CudaStorage allocate(DType dtype, int size) {
        if (dtype != DType.F32 && dtype != DType.I32 && dtype != DType.BF16) {
            throw new IllegalArgumentException("allocate: " + dtype + " (expected F32, I32 or BF16)");
        }
        if (size > MAX_SIZE) {
            throw new IllegalArgumentException("allocate: " + size + " elements (expected at most " + MAX_SIZE + ")");
        }
        return new CudaStorage(memory, memory.allocate((long) dtype.bytes() * size), dtype, size);
    }

    /**
     * Memory for one kernel call.
     *
     * @throws IllegalArgumentException if kernels cannot index as much
     * @throws org.aimjvm.backend.OutOfDeviceMemoryException if the device has not as much
     */
    Scratch scratch(long bytes) {
        if (bytes > 4L * MAX_SIZE) {
            throw new IllegalArgumentException(
                    "scratch memory: " + bytes + " bytes (expected at most " + 4L * MAX_SIZE + ")");
        }
        return new Scratch(new CudaStorage(memory, memory.allocate(bytes), DType.F32, (int) ((bytes + 3) / 4)));
    }
}
