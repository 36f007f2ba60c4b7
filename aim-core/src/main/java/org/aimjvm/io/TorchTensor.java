package org.aimjvm.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.backend.Shape;

/**
 * A tensor of a pickle: a strided view of a storage, {@code x[i, j, ...] = storage[offset + i * strides[0] + ...]}.
 * All elements lie within the storage.
 */
final class TorchTensor {
    /** Views that repeat elements may have this many at most, or as many as their storage. */
    private static final int MAX_REPEATED = 1 << 20;

    static final int MAX_RANK = 32;

    private final TorchStorage storage;
    private final long offset;
    private final Shape shape;
    private final long[] strides;

    /**
     * @throws CheckpointException if elements lie outside the storage, or the view multiplies a small storage
     */
    TorchTensor(Path path, TorchStorage storage, long offset, long[] dims, long[] strides) {
        if (dims.length != strides.length || dims.length > MAX_RANK || offset < 0) {
            throw problem(path, storage, offset, dims, strides, "expected as many strides as sizes, at most "
                    + MAX_RANK);
        }
        this.storage = storage;
        this.offset = offset;
        this.shape = FileShapes.of(path, null, dims);
        this.strides = strides.clone();
        if (shape.size() > 0 && !endsBefore(storage.count())) {
            throw problem(path, storage, offset, dims, strides,
                    "expected only the storage's elements and no negative stride");
        }
        if (shape.size() > Math.max(storage.count(), MAX_REPEATED)) {
            throw problem(path, storage, offset, dims, strides, "repeats the storage's elements too often");
        }
    }

    private boolean endsBefore(long count) {
        long left = count - 1 - offset; // how far the last element may lie after the first
        for (int i = 0; i < strides.length && left >= 0; i++) {
            long steps = shape.dim(i) - 1L;
            if (strides[i] < 0 || steps > 0 && strides[i] > left / steps) {
                return false;
            }
            left -= steps * strides[i];
        }
        return left >= 0;
    }

    private static CheckpointException problem(
            Path path, TorchStorage storage, long offset, long[] dims, long[] strides, String problem) {
        return new CheckpointException(path, null, "tensor with offset " + offset + ", shape " + Arrays.toString(dims)
                + ", strides " + Arrays.toString(strides) + " of storage "
                + CheckpointException.shorten(storage.key()) + " with " + storage.count() + " elements: " + problem);
    }

    /** What two tensors that are the same elements in the same order have in common. */
    List<Object> identity() {
        List<Object> strided = new ArrayList<>(List.of(storage.key(), storage.dtype(), storage.start(), offset, shape));
        for (long stride : strides) {
            strided.add(stride);
        }
        return strided;
    }

    TorchStorage storage() {
        return storage;
    }

    TensorInfo info(String name) {
        return new TensorInfo(name, storage.dtype(), shape);
    }

    /**
     * The elements in row-major order: a slice of {@code data} where they lie so already, else a copy.
     *
     * @param data all bytes of the storage. Not modified
     */
    MemorySegment elements(MemorySegment data) {
        int width = storage.dtype().bytes();
        MemorySegment used = data.asSlice(storage.start() * width, storage.count() * width);
        if (shape.size() == 0) {
            return used.asSlice(0, 0);
        }
        if (isContiguous()) {
            return used.asSlice(offset * width, (long) shape.size() * width);
        }
        // Backed by longs, because a byte array ends at 2 GB.
        MemorySegment out = MemorySegment.ofArray(new long[(int) (((long) shape.size() * width + 7) / 8)])
                .asSlice(0, (long) shape.size() * width);
        gather(used, out, width);
        return out;
    }

    private boolean isContiguous() {
        long expected = 1;
        for (int i = strides.length - 1; i >= 0; i--) {
            if (shape.dim(i) != 1 && strides[i] != expected) {
                return false;
            }
            expected *= shape.dim(i);
        }
        return true;
    }

    private void gather(MemorySegment in, MemorySegment out, int width) {
        int rank = strides.length;
        int inner = shape.dim(-1);
        long innerStride = strides[rank - 1];
        int[] index = new int[rank - 1];
        long from = offset;
        for (long to = 0; to < shape.size(); to += inner) {
            for (int j = 0; j < inner; j++) {
                copyElement(in, from + j * innerStride, out, to + j, width);
            }
            for (int d = rank - 2; d >= 0; d--) { // next row
                from += strides[d];
                if (++index[d] < shape.dim(d)) {
                    break;
                }
                from -= index[d] * strides[d];
                index[d] = 0;
            }
        }
    }

    private static void copyElement(MemorySegment in, long from, MemorySegment out, long to, int width) {
        switch (width) {
            case 1 -> out.set(JAVA_BYTE, to, in.get(JAVA_BYTE, from));
            case 2 -> out.set(TensorBytes.SHORT, 2 * to, in.get(TensorBytes.SHORT, 2 * from));
            case 4 -> out.set(TensorBytes.INT, 4 * to, in.get(TensorBytes.INT, 4 * from));
            case 8 -> out.set(TensorBytes.LONG, 8 * to, in.get(TensorBytes.LONG, 8 * from));
            default -> throw new AssertionError(width);
        }
    }
}
