package org.aimjvm.io;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * Read-only named tensors of a checkpoint. Elements are read when asked for, into a new array every time, so a file
 * larger than memory can be opened. Safe for use by several threads until closed.
 *
 * <p>The views ({@link #sub}, {@link #withPrefix}, {@link #renamed}, {@link #select}, {@link #withMetadata}, {@link #merge}) copy nothing;
 * closing a view closes what it is made of.
 */
public interface TensorSource extends AutoCloseable {
    /** The file, for messages. */
    Path path();

    /** All names, in the file's order; unmodifiable. */
    Set<String> names();

    /**
     * Type and shape of a tensor.
     *
     * @throws CheckpointException if there is none of that name
     */
    TensorInfo info(String name);

    /**
     * Checks what is about to be read.
     *
     * @throws CheckpointException if there is no tensor of that name, or it has another shape
     */
    default void requireShape(String name, Shape shape) {
        Shape there = info(name).shape();
        if (!there.equals(shape)) {
            throw new CheckpointException(path(), name, "shape " + there + ", expected " + shape);
        }
    }

    /**
     * How a tensor is kept, for people: its type, or the format of a weight matrix kept as integers.
     *
     * @throws CheckpointException if there is none of that name
     */
    default String storedAs(String name) {
        return info(name).dtype().name();
    }

    /**
     * The elements in row-major order as floats: F16 and BF16 exactly, F64 and integers rounded to nearest even, BOOL
     * as 0 or 1.
     *
     * @throws CheckpointException if there is none of that name or its data cannot be read
     */
    float[] readFloats(String name);

    /**
     * A tensor (out, in) as a weight matrix in the form it is stored in; F32 numbers of a mapped file where they lie,
     * which stay valid after {@link #close} as long as the matrix is in use.
     *
     * @throws CheckpointException if there is none of that name, or it is no matrix
     */
    default WeightMatrix matrix(String name) {
        TensorInfo t = info(name);
        if (t.shape().rank() != 2) {
            throw new CheckpointException(path(), name, "shape " + t.shape() + ", expected a matrix (out, in)");
        }
        WeightFormat format = t.dtype() == DType.BF16 ? WeightFormat.BF16 : WeightFormat.F32;
        return new WeightMatrix.Floats(t.shape().dim(0), t.shape().dim(1), format, () -> readFloats(name));
    }

    /**
     * The elements of an integer (or BOOL: 0 or 1) tensor in row-major order.
     *
     * @throws CheckpointException if there is none of that name, its type is a floating-point one, or an I64 element
     *     does not fit
     */
    int[] readInts(String name);

    /**
     * The elements of a tensor of type I8 or U8 in row-major order, the latter from 128 on as negative numbers.
     *
     * @throws CheckpointException if there is none of that name or its type is another one
     */
    default byte[] readBytes(String name) {
        TensorInfo t = info(name);
        if (t.dtype() != DType.I8 && t.dtype() != DType.U8) {
            throw new CheckpointException(path(), name, "type " + t.dtype() + ", expected I8 or U8");
        }
        int[] ints = readInts(name);
        byte[] bytes = new byte[ints.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) ints[i];
        }
        return bytes;
    }

    /**
     * The elements of an integer (or BOOL: 0 or 1) tensor in row-major order.
     *
     * @throws CheckpointException if there is none of that name or its type is a floating-point one
     */
    long[] readLongs(String name);

    /** Free-form text stored next to the tensors; unmodifiable, possibly empty. */
    Map<String, String> metadata();

    /** Releases the file. Reading afterwards is an {@link IllegalStateException}. */
    @Override
    void close();

    /** Whether there is a tensor of that name. */
    default boolean contains(String name) {
        return names().contains(name);
    }

    /** The tensors whose names start with {@code prefix} (e.g. {@code "model."}), under the rest of their names. */
    default TensorSource sub(String prefix) {
        return TensorView.of(this, name -> name.startsWith(prefix), name -> name.substring(prefix.length()));
    }

    /** All tensors, with {@code prefix} put before every name. */
    default TensorSource withPrefix(String prefix) {
        return renamed(name -> prefix + name);
    }

    /**
     * All tensors under new names.
     *
     * @throws CheckpointException if two tensors get the same name
     */
    default TensorSource renamed(UnaryOperator<String> rename) {
        return TensorView.of(this, name -> true, rename);
    }

    /** The same tensors beside other texts. */
    default TensorSource withMetadata(Map<String, String> texts) {
        return TensorView.of(this, texts);
    }

    /** The tensors whose names pass. */
    default TensorSource select(Predicate<String> keep) {
        return TensorView.of(this, keep, UnaryOperator.identity());
    }

    /**
     * The tensors of two sources together, e.g. of a sequence model and a tokenizer kept in separate files. Metadata
     * are those of both, the first wins.
     *
     * @throws CheckpointException if a name occurs in both
     */
    static TensorSource merge(TensorSource first, TensorSource second) {
        return TensorView.merged(first, second);
    }
}
