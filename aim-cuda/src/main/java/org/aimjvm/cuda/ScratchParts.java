package org.aimjvm.cuda;

import java.util.ArrayList;
import java.util.List;

/** One piece of scratch memory for several arrays of f32 numbers: {@link #add} them, {@link #allocate}, then ask where they are. */
final class ScratchParts implements AutoCloseable {
    private static final int ALIGNMENT = 64; // numbers

    private final List<Long> offsets = new ArrayList<>();
    private long size;
    private final CudaContext context;
    private Scratch scratch;

    ScratchParts(CudaContext context) {
        this.context = context;
    }

    /** Number of a new array of so many numbers. */
    int add(long count) {
        offsets.add(size);
        size += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return offsets.size() - 1;
    }

    void allocate() {
        scratch = context.scratch(Float.BYTES * size);
    }

    /** Address of an array. */
    long at(int part) {
        return scratch.storage().address() + Float.BYTES * offsets.get(part);
    }

    @Override
    public void close() {
        if (scratch != null) {
            scratch.close();
        }
    }
}
