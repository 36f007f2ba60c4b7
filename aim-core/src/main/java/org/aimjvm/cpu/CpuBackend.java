package org.aimjvm.cpu;

import java.util.Arrays;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.DType;
import org.aimjvm.tensor.Storage;

/** Memory of the CPU backends: Java arrays, freed by the garbage collector. */
abstract class CpuBackend implements Backend {

    @Override
    public final Storage allocate(DType dtype, int size) {
        return switch (dtype) {
            case F32 -> new HeapStorage(new float[size]);
            case I32 -> new HeapStorage(new int[size]);
            default -> throw new IllegalArgumentException("allocate: " + dtype + " (expected F32 or I32)");
        };
    }

    @Override
    public final Storage reuse(Storage released) {
        return ((HeapStorage) released).sameMemory();
    }

    @Override
    public final void free(Storage storage) {
        // Java arrays: the garbage collector takes them
    }

    /** Does something to device memory in its turn among the kernels. */
    abstract void inOrder(Runnable work);

    /** Fails where a transfer between host and device would not be repeated. */
    abstract void checkTransfer(String what);

    @Override
    public final void write(Storage dst, int offset, float[] values, int from, int count) {
        checkTransfer("write");
        System.arraycopy(values, from, HeapStorage.floats(dst), offset, count);
    }

    @Override
    public final void write(Storage dst, int offset, int[] values, int from, int count) {
        checkTransfer("write");
        System.arraycopy(values, from, HeapStorage.ints(dst), offset, count);
    }

    @Override
    public final void read(Storage src, int offset, float[] values, int to, int count) {
        checkTransfer("read");
        if (src instanceof FrozenWeights w) {
            w.read(offset, values, to, count);
            return;
        }
        System.arraycopy(HeapStorage.floats(src), offset, values, to, count);
    }

    @Override
    public final void read(Storage src, int offset, int[] values, int to, int count) {
        checkTransfer("read");
        System.arraycopy(HeapStorage.ints(src), offset, values, to, count);
    }

    @Override
    public final void copy(Storage dst, int dstOffset, Storage src, int srcOffset, int count) {
        Object from = dst.dtype() == DType.I32 ? HeapStorage.ints(src) : HeapStorage.floats(src);
        Object to = dst.dtype() == DType.I32 ? HeapStorage.ints(dst) : HeapStorage.floats(dst);
        inOrder(() -> System.arraycopy(from, srcOffset, to, dstOffset, count));
    }

    @Override
    public final void fill(Storage dst, int offset, int count, float value) {
        float[] values = HeapStorage.floats(dst);
        inOrder(() -> Arrays.fill(values, offset, offset + count, value));
    }

    @Override
    public final String toString() {
        return name();
    }
}
