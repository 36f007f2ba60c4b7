package org.aimjvm.cuda;

/** Device memory of one kernel call, given back when that is submitted: later work comes after it on the one stream. */
record Scratch(CudaStorage storage) implements AutoCloseable {
    @Override
    public void close() {
        storage.giveBack();
    }
}
