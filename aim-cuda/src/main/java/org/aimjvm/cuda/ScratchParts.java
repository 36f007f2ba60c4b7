package org.aimjvm.cuda;

/**
 * One piece of scratch memory for several arrays of f32 numbers: {@link #add} them, {@link #allocate}, then ask each
 * where it is.
 */
final class ScratchParts implements AutoCloseable {
    private static final int ALIGNMENT = 64; // numbers

    private long size;
    private final CudaContext context;
    private Scratch scratch;

    ScratchParts(CudaContext context) {
        this.context = context;
    }

    /** One of the arrays. */
    final class Part {
        private final long offset;

        private Part(long offset) {
            this.offset = offset;
        }

        /** Where it is, after {@link ScratchParts#allocate}. */
        long address() {
            return scratch.storage().address() + Float.BYTES * offset;
        }
    }

    /** A new array of so many numbers. */
    Part add(long count) {
        Part part = new Part(size);
        size += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return part;
    }

    void allocate() {
        scratch = context.scratch(Float.BYTES * size);
    }

    @Override
    public void close() {
        if (scratch != null) {
            scratch.close();
        }
    }
}
