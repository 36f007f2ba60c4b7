package org.aimjvm.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * A contiguous, row-major array of numbers on a {@link Backend}. Its elements are written once, by the operation that
 * makes it; only optimisers, states and {@link #write} change a tensor afterwards.
 *
 * <p>Inside a {@link Scope#training() training scope} an operation whose inputs want a gradient remembers how to
 * compute it, and {@link #backward()} on a scalar result returns the gradients of all leaves.
 */
public final class Tensor {
    private final Backend backend;
    private final Storage storage;
    private final Shape shape;
    private final boolean parameter;
    private Autograd.Node node;
    private int outputIndex;

    private Tensor(Backend backend, Storage storage, Shape shape, boolean parameter) {
        this.backend = backend;
        this.storage = storage;
        this.shape = shape;
        this.parameter = parameter;
    }

    /**
     * A tensor with undefined contents, owned by the current {@link Scope} if there is one: what operations write to.
     */
    public static Tensor empty(Backend backend, DType dtype, Shape shape) {
        return new Tensor(backend, Scope.allocate(backend, dtype, shape.size()), shape, false);
    }

    /** An F32 tensor with undefined contents. */
    public static Tensor empty(Backend backend, Shape shape) {
        return empty(backend, DType.F32, shape);
    }

    /** An F32 tensor of zeros. */
    public static Tensor zeros(Backend backend, Shape shape) {
        return full(backend, shape, 0f);
    }

    /** An F32 tensor with every element {@code value}. */
    public static Tensor full(Backend backend, Shape shape, float value) {
        Tensor t = empty(backend, shape);
        backend.fill(t.storage, 0, shape.size(), value);
        return t;
    }

    /**
     * An F32 tensor with the given elements, which are copied.
     *
     * @throws IllegalArgumentException if their number is not the shape's size
     */
    public static Tensor of(Backend backend, Shape shape, float... values) {
        checkCount(shape, values.length);
        Tensor t = empty(backend, shape);
        backend.write(t.storage, 0, values, 0, values.length);
        return t;
    }

    /**
     * An I32 tensor with the given elements, which are copied.
     *
     * @throws IllegalArgumentException if their number is not the shape's size
     */
    public static Tensor ofInts(Backend backend, Shape shape, int... values) {
        checkCount(shape, values.length);
        Tensor t = empty(backend, DType.I32, shape);
        backend.write(t.storage, 0, values, 0, values.length);
        return t;
    }

    /**
     * A leaf that wants a gradient, with the given elements, owned by no scope.
     *
     * @throws IllegalArgumentException if their number is not the shape's size
     */
    public static Tensor parameter(Backend backend, Shape shape, float... values) {
        checkCount(shape, values.length);
        Storage s = backend.allocate(DType.F32, values.length);
        backend.write(s, 0, values, 0, values.length);
        return new Tensor(backend, s, shape, true);
    }

    /**
     * A frozen weight matrix, owned by no scope, see {@link Backend#weights}. It wants no gradient.
     *
     * @param format how it is held
     */
    public static Tensor weights(Backend backend, WeightMatrix matrix, WeightFormat format) {
        return new Tensor(backend, backend.weights(matrix, format), Shape.of(matrix.out(), matrix.in()), false);
    }

    /** An F32 tensor of zeros owned by no scope: a state, a moment of the optimiser. */
    public static Tensor persistent(Backend backend, Shape shape) {
        return persistent(backend, DType.F32, shape);
    }

    /**
     * A tensor of zeros owned by no scope.
     *
     * @param dtype F32 or BF16
     */
    public static Tensor persistent(Backend backend, DType dtype, Shape shape) {
        Storage s = backend.allocate(dtype, shape.size());
        backend.fill(s, 0, shape.size(), 0f);
        return new Tensor(backend, s, shape, false);
    }

    /** An I32 tensor of zeros owned by no scope: what the host tells a {@link Captured}. */
    public static Tensor persistentInts(Backend backend, Shape shape) {
        Storage s = backend.allocate(DType.I32, shape.size());
        backend.write(s, 0, new int[shape.size()], 0, shape.size());
        return new Tensor(backend, s, shape, false);
    }

    private static void checkCount(Shape shape, int count) {
        if (shape.size() != count) {
            throw new IllegalArgumentException("tensor: " + count + " values, expected " + shape.size() + " for shape "
                    + shape);
        }
    }

    public Backend backend() {
        return backend;
    }

    public Storage storage() {
        return storage;
    }

    public Shape shape() {
        return shape;
    }

    public DType dtype() {
        return storage.dtype();
    }

    /** Size of dimension {@code i}; negative counts from the last. */
    public int dim(int i) {
        return shape.dim(i);
    }

    /** Number of elements. */
    public int size() {
        return shape.size();
    }

    /** A copy of the elements. */
    public float[] toFloats() {
        float[] values = new float[size()];
        backend.read(storage, 0, values, 0, values.length);
        return values;
    }

    /** A copy of the elements of an I32 tensor. */
    public int[] toInts() {
        int[] values = new int[size()];
        backend.read(storage, 0, values, 0, values.length);
        return values;
    }

    /**
     * The value of a tensor with one element.
     *
     * @throws IllegalStateException if it has another number of elements
     */
    public float item() {
        if (size() != 1) {
            throw new IllegalStateException("item: tensor of shape " + shape + " (expected one element)");
        }
        return toFloats()[0];
    }

    /** Overwrites all elements. */
    public void write(float[] values) {
        checkCount(shape, values.length);
        backend.write(storage, 0, values, 0, values.length);
    }

    /** Overwrites all elements of an I32 tensor. */
    public void write(int[] values) {
        checkCount(shape, values.length);
        backend.write(storage, 0, values, 0, values.length);
    }

    /** Overwrites all elements with those of {@code other}, of equal shape and backend. */
    public void write(Tensor other) {
        if (!other.shape.equals(shape)) {
            throw new IllegalArgumentException("write: shape " + other.shape + ", expected " + shape);
        }
        backend.copy(storage, 0, other.storage, 0, size());
    }

    /**
     * The same elements in another shape; shares memory, and is differentiable.
     *
     * @throws IllegalArgumentException if the number of elements differs
     */
    public Tensor reshape(int... dims) {
        return reshape(Shape.of(dims));
    }

    /** As {@link #reshape(int...)}. */
    public Tensor reshape(Shape to) {
        if (to.size() != size()) {
            throw new IllegalArgumentException("reshape: " + shape + " to " + to + " (expected " + size()
                    + " elements)");
        }
        Tensor y = new Tensor(backend, storage, to, false);
        return Autograd.tape(y, dY -> new Tensor[] {dY.reshape(shape)}, this);
    }

    /** The same elements as a leaf through which no gradient flows; shares memory. */
    public Tensor detach() {
        return new Tensor(backend, storage, shape, false);
    }

    /** The same elements as a leaf that wants a gradient; shares memory. */
    Tensor leaf() {
        return new Tensor(backend, storage, shape, true);
    }

    /** Whether a gradient with respect to this tensor is wanted: it is a parameter or depends on one. */
    public boolean needsGrad() {
        return parameter || node != null;
    }

    /** Whether this is a leaf made by {@link #parameter}. */
    public boolean isParameter() {
        return parameter;
    }

    /**
     * Gradients of this scalar with respect to every parameter it depends on. The tape stays as it is while its scope
     * is open: a second call, of this scalar or another, gives the same bits.
     *
     * @throws IllegalStateException if it has more than one element or was not computed from a parameter inside a
     *     training scope
     */
    public Gradients backward() {
        return Autograd.backward(this);
    }

    /**
     * Gradients of this scalar with respect to chosen tensors alone: parameters, or results of operations on the way.
     * Operations that lie on no way from these to the scalar are not visited, so the gradient with respect to a late
     * tensor is cheap. The tape stays as it is, see {@link #backward()}.
     *
     * @param wrt tensors that want a gradient; those that the scalar does not depend on are missing in the result
     * @return the bits that {@link #backward()} finds for parameters
     * @throws IllegalStateException as {@link #backward()}
     * @throws IllegalArgumentException if one of {@code wrt} wants no gradient
     */
    public Gradients backward(Collection<Tensor> wrt) {
        return Autograd.backward(this, List.copyOf(wrt));
    }

    /** As {@link #backward(Collection)}. */
    public Gradients backward(Tensor first, Tensor... more) {
        List<Tensor> wrt = new ArrayList<>(List.of(first));
        wrt.addAll(List.of(more));
        return Autograd.backward(this, wrt);
    }

    Autograd.Node node() {
        return node;
    }

    int outputIndex() {
        return outputIndex;
    }

    void attach(Autograd.Node producer, int index) {
        this.node = producer;
        this.outputIndex = index;
    }

    /** Type, shape and the first elements. */
    @Override
    public String toString() {
        if (storage.isReleased()) {
            return dtype() + shape.toString() + " (released)";
        }
        String head = dtype() == DType.I32
                ? Arrays.toString(Arrays.copyOf(toInts(), Math.min(size(), 6)))
                : Arrays.toString(Arrays.copyOf(toFloats(), Math.min(size(), 6)));
        return dtype() + shape.toString() + head + (size() > 6 ? "..." : "");
    }
}
