package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.OutOfDeviceMemoryException;

/**
 * Device memory in blocks that are kept for the next one who asks: the driver is slow to give memory and stops the
 * device when it takes it back. All work runs on one stream in order, so a block may be handed out while kernels that
 * use it for its last owner are still to run.
 */
final class DeviceMemory {
    private static final long SMALL = 1 << 20;
    private static final long SMALL_STEP = 512;
    private static final long LARGE_STEP = 2 << 20;
    private static final long GARBAGE_MILLIS = 200;

    /** A device pointer whose address can be read. */
    private static final class Address extends CUdeviceptr {
        long value() {
            return getNativePointer() + getByteOffset();
        }
    }

    /** Memory on the device. */
    static final class Block {
        private final Address pointer;
        private final long address;
        private final long bytes;
        private boolean free;
        /**
         * Grows with each handing out, so that a late release by an earlier owner is told from one by the present
         * owner.
         */
        private long owner;

        private Block(Address pointer, long bytes) {
            this.pointer = pointer;
            this.address = pointer.value();
            this.bytes = bytes;
        }

        long address() {
            return address;
        }

        long bytes() {
            return bytes;
        }

        CUdeviceptr pointer(long offset) {
            return offset == 0 ? pointer : pointer.withByteOffset(offset);
        }
    }

    private final Gpu gpu;
    private final Map<Long, ArrayDeque<Block>> free = new TreeMap<>();
    /** What a capture has given back, which its replays will use again. */
    private List<Block> retained = new ArrayList<>();
    private boolean retaining;
    private long held;
    private long inUse;

    DeviceMemory(Gpu gpu) {
        this.gpu = gpu;
    }

    /**
     * A block of at least {@code bytes}; contents are undefined.
     *
     * @throws OutOfDeviceMemoryException if the device has not as much, even after what is kept was given back
     */
    Block allocate(long bytes) {
        synchronized (gpu) {
            long size = roundUp(Math.max(1, bytes));
            ArrayDeque<Block> kept = free.get(size);
            Block block = kept == null || kept.isEmpty() ? fromDriver(size) : kept.pop();
            block.free = false;
            block.owner++;
            inUse += size;
            return block;
        }
    }

    /** Who owns a block now: to be given to {@link #release(Block, long)}. */
    long owner(Block block) {
        synchronized (gpu) {
            return block.owner;
        }
    }

    /** Makes the caller the owner of a block in use. */
    long takeOver(Block block) {
        synchronized (gpu) {
            return ++block.owner;
        }
    }

    /** Takes a block back if it still has that owner. */
    void release(Block block, long owner) {
        synchronized (gpu) {
            if (block.owner == owner && !block.free) {
                block.free = true;
                inUse -= block.bytes;
                if (retaining) {
                    retained.add(block);
                } else {
                    free.computeIfAbsent(block.bytes, k -> new ArrayDeque<>()).push(block);
                }
            }
        }
    }

    /** From now on keeps what is given back from being handed out to others. */
    void startRetaining() {
        retaining = true;
    }

    /** Ends {@link #startRetaining}. */
    void stopRetaining() {
        retaining = false;
    }

    /** What was retained last; it stays out of use until {@link #giveBack}. */
    List<Block> takeRetained() {
        List<Block> blocks = retained;
        retained = new ArrayList<>();
        return blocks;
    }

    /** Lets blocks that were {@link #stopRetaining retained} be handed out again. */
    void giveBack(List<Block> blocks) {
        synchronized (gpu) {
            for (Block b : blocks) {
                free.computeIfAbsent(b.bytes, k -> new ArrayDeque<>()).push(b);
            }
        }
    }

    /** Bytes that storages occupy. */
    long inUse() {
        synchronized (gpu) {
            return inUse;
        }
    }

    /** Bytes taken from the driver, in use or kept. */
    long held() {
        synchronized (gpu) {
            return held;
        }
    }

    /** Few sizes, so that blocks fit again: steps of 512 bytes up to 1 MiB, then of 2 MiB. */
    private static long roundUp(long bytes) {
        long step = bytes <= SMALL ? SMALL_STEP : LARGE_STEP;
        return (bytes + step - 1) / step * step;
    }

    private Block fromDriver(long bytes) {
        Address pointer = new Address();
        gpu.enter();
        int status = JCudaDriver.cuMemAlloc(pointer, bytes);
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            releaseKept();
            status = JCudaDriver.cuMemAlloc(pointer, bytes);
            if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY && !gpu.isCapturing()) {
                collectGarbage();
                releaseKept();
                status = JCudaDriver.cuMemAlloc(pointer, bytes);
            }
        }
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            long[] available = new long[1];
            long[] total = new long[1];
            check(JCudaDriver.cuMemGetInfo(available, total), "cuMemGetInfo");
            throw new OutOfDeviceMemoryException(bytes, inUse, available[0], total[0]);
        }
        check(status, "cuMemAlloc");
        held += bytes;
        gpu.resources().add(pointer);
        return new Block(pointer, bytes);
    }

    /**
     * Storages outside scopes are given back when the collector finds them, and it does not know how full the device
     * is.
     */
    private void collectGarbage() {
        System.gc();
        try {
            gpu.wait(GARBAGE_MILLIS); // lets go of the lock, which who gives blocks back needs
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives all kept blocks back to the driver. */
    private void releaseKept() {
        if (!gpu.isCapturing()) { // else nothing runs: a capture begins when the device is idle
            check(JCudaDriver.cuStreamSynchronize(gpu.stream()), "cuStreamSynchronize");
        }
        for (ArrayDeque<Block> blocks : free.values()) {
            for (Block b : blocks) {
                gpu.resources().remove(b.pointer);
                check(JCudaDriver.cuMemFree(b.pointer), "cuMemFree");
                held -= b.bytes;
            }
        }
        free.clear();
    }

    /** As {@link #releaseKept}, for whoever wants the memory for something else. */
    void trim() {
        synchronized (gpu) {
            gpu.enter();
            releaseKept();
        }
    }
}
