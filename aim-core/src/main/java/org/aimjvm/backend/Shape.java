package org.aimjvm.backend;

import java.util.Arrays;

/**
 * Sizes of a tensor's dimensions, outermost first. Tensors are contiguous and row-major, so the shape says everything
 * about the layout. Immutable.
 */
public final class Shape {
    private final int[] dims;
    private final int size;

    private Shape(int[] dims) {
        long product = 1;
        for (int d : dims) {
            if (d < 0) {
                throw new IllegalArgumentException("shape: " + Arrays.toString(dims) + " (expected no negative size)");
            }
            product *= d;
            if (product > Integer.MAX_VALUE - 8) {
                throw new IllegalArgumentException("shape: " + Arrays.toString(dims)
                        + " (expected at most 2^31 - 9 elements, the length of a Java array)");
            }
        }
        this.dims = dims;
        this.size = (int) product;
    }

    /** The shape with the given sizes; none for a scalar. {@code dims} is copied. */
    public static Shape of(int... dims) {
        return new Shape(dims.clone());
    }

    /** Number of dimensions. */
    public int rank() {
        return dims.length;
    }

    /** Size of dimension {@code i}; negative {@code i} counts from the last ({@code -1} is the innermost). */
    public int dim(int i) {
        return dims[i < 0 ? dims.length + i : i];
    }

    /** Number of elements: the product of all sizes, 1 for a scalar. */
    public int size() {
        return size;
    }

    /** Product of all sizes but the last: the number of rows when seen as a matrix. */
    public int rows() {
        int rows = 1;
        for (int i = 0; i < dims.length - 1; i++) {
            rows *= dims[i];
        }
        return rows;
    }

    /** A copy of the sizes. */
    public int[] toArray() {
        return dims.clone();
    }

    /** This shape with its last size replaced. */
    public Shape withLast(int last) {
        int[] d = dims.clone();
        d[d.length - 1] = last;
        return new Shape(d);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Shape s && Arrays.equals(dims, s.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    /** The sizes in parentheses, e.g. {@code (2, 16, 768)}. */
    @Override
    public String toString() {
        StringBuilder sb = new StringBuilder("(");
        for (int i = 0; i < dims.length; i++) {
            sb.append(i == 0 ? "" : ", ").append(dims[i]);
        }
        return sb.append(')').toString();
    }
}
