package org.aimjvm.cuda;

import java.lang.ref.Cleaner;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;

/**
 * Elements in device memory. Given back by its scope, or when the garbage collector finds a storage outside all scopes
 * unreachable.
 */
class CudaStorage extends Storage {
    private static final Cleaner CLEANER = Cleaner.create();

    private record Release(DeviceMemory memory, DeviceMemory.Block block, long owner) implements Runnable {
        @Override
        public void run() {
            memory.release(block, owner);
        }
    }

    private final DeviceMemory memory;
    private final DeviceMemory.Block block;
    private final long owner;

    /** @param block in the hands of the caller, who passes it on */
    CudaStorage(DeviceMemory memory, DeviceMemory.Block block, DType dtype, int size) {
        super(dtype, size);
        this.memory = memory;
        this.block = block;
        this.owner = memory.owner(block);
        CLEANER.register(this, new Release(memory, block, owner));
    }

    /** Address of the first element. */
    final long address() {
        checkLive();
        return block.address();
    }

    final DeviceMemory.Block block() {
        checkLive();
        return block;
    }

    /** Whether the elements lie one after another as their type says, so that every kernel can take them. */
    boolean isPlain() {
        return true;
    }

    /** A new handle on the memory of this storage, which is released. */
    final CudaStorage sameMemory() {
        memory.takeOver(block);
        return new CudaStorage(memory, block, dtype(), size());
    }

    /** Gives the memory back. */
    final void giveBack() {
        memory.release(block, owner);
    }

    /**
     * The device memory of a storage with plain elements of four bytes.
     *
     * @throws IllegalArgumentException if it is of another backend, BF16, or frozen weights
     */
    static CudaStorage plain(Storage s) {
        CudaStorage c = any(s);
        if (c.dtype() == DType.BF16) {
            throw new IllegalArgumentException(
                    "storage: BF16, expected F32 (only the forward SSD scan takes BF16 states)");
        }
        return c;
    }

    /** Whether the states of a scan, one of which may be {@code null}, are BF16. */
    static boolean areHalves(Storage initial, Storage last) {
        return initial != null && initial.dtype() == DType.BF16 || last != null && last.dtype() == DType.BF16;
    }

    /**
     * The device memory of a BF16 storage, {@code null} for {@code null}.
     *
     * @throws IllegalArgumentException if it is of another type or backend
     */
    static CudaStorage halvesOrNull(Storage s) {
        if (s != null && s.dtype() != DType.BF16) {
            throw new IllegalArgumentException("storage: " + s.dtype() + ", expected BF16");
        }
        return s == null ? null : any(s);
    }

    /** As {@link #plain}, elements of any size. */
    static CudaStorage any(Storage s) {
        if (!(s instanceof CudaStorage c) || !c.isPlain()) {
            throw new IllegalArgumentException(
                    s instanceof CudaStorage
                            ? "storage: weights in a layout of their own, expected plain F32 (only linear and embedding take them)"
                            : "storage: of another backend, expected device memory");
        }
        return c;
    }

    /** As {@link #plain}, {@code null} for {@code null}: optional arguments of kernels. */
    static CudaStorage orNull(Storage s) {
        return s == null ? null : plain(s);
    }
}
