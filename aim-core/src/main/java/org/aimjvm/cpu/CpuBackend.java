package org.aimjvm.cpu;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.FrozenWeights;
import org.aimjvm.cpu.memory.HeapStorage;

/** Memory of the CPU backends: Java arrays, freed by the garbage collector. */
abstract class CpuBackend implements Backend {

    @Override
    public final Storage allocate(DType dtype, int size) {
        return switch (dtype) {
            case F32 -> new HeapStorage(new float[size]);
            case I32 -> new HeapStorage(new int[size]);
            case BF16 -> new HeapStorage(new short[size]);
            default -> throw new IllegalArgumentException("allocate: " + dtype + " (expected F32, I32 or BF16)");
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

    /** Fails where a transfer between host and device would not be replayed. */
    abstract void checkTransfer(String what);

    @Override
    public final void write(Storage dst, int offset, float[] values, int from, int count) {
        checkTransfer("write");
        if (dst.dtype() == DType.BF16) {
            HeapStorage.round(HeapStorage.halves(dst), offset, values, from, count);
            return;
        }
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
        if (src.dtype() == DType.BF16) {
            HeapStorage.widen(values, to, HeapStorage.halves(src), offset, count);
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
        Object from = array(src, dst.dtype());
        Object to = array(dst, dst.dtype());
        inOrder(() -> System.arraycopy(from, srcOffset, to, dstOffset, count));
    }

    @Override
    public final void fill(Storage dst, int offset, int count, float value) {
        if (dst.dtype() == DType.BF16) {
            short[] halves = HeapStorage.halves(dst);
            short half = (short) Quantization.bf16Bits(value);
            inOrder(() -> Arrays.fill(halves, offset, offset + count, half));
            return;
        }
        float[] values = HeapStorage.floats(dst);
        inOrder(() -> Arrays.fill(values, offset, offset + count, value));
    }

    private static Object array(Storage s, DType expected) {
        return switch (expected) {
            case I32 -> HeapStorage.ints(s);
            case BF16 -> HeapStorage.halves(s);
            default -> HeapStorage.floats(s);
        };
    }

    @Override
    public final String toString() {
        return name();
    }
}
