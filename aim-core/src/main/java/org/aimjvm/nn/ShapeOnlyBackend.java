package org.aimjvm.nn;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/** A backend without memory: a model built on it lists its tensors, of any size, and can compute nothing. */
final class ShapeOnlyBackend implements Backend {
    static final ShapeOnlyBackend INSTANCE = new ShapeOnlyBackend();

    private static final class NoMemory extends Storage {
        NoMemory(DType dtype, int size) {
            super(dtype, size);
        }
    }

    private ShapeOnlyBackend() {}

    private static IllegalStateException noData() {
        return new IllegalStateException(
                "shape-only model: has no data (build it from a checkpoint or a seed to compute)");
    }

    @Override
    public String name() {
        return "shape-only";
    }

    @Override
    public String description() {
        return "lists shapes, holds no data";
    }

    @Override
    public Storage allocate(DType dtype, int size) {
        return new NoMemory(dtype, size);
    }

    @Override
    public Storage weights(WeightMatrix matrix, WeightFormat format) {
        return new NoMemory(DType.F32, matrix.out() * matrix.in());
    }

    @Override
    public Storage reuse(Storage released) {
        return new NoMemory(released.dtype(), released.size());
    }

    @Override
    public void free(Storage storage) {
        // nothing is held
    }

    @Override
    public void write(Storage dst, int offset, float[] values, int from, int count) {
        throw noData();
    }

    @Override
    public void write(Storage dst, int offset, int[] values, int from, int count) {
        throw noData();
    }

    @Override
    public void read(Storage src, int offset, float[] values, int to, int count) {
        throw noData();
    }

    @Override
    public void read(Storage src, int offset, int[] values, int to, int count) {
        throw noData();
    }

    @Override
    public void copy(Storage dst, int dstOffset, Storage src, int srcOffset, int count) {
        throw noData();
    }

    @Override
    public void fill(Storage dst, int offset, int count, float value) {
        // nothing to fill; scopes overwrite what they give back, also around a model that is only listed
    }

    @Override
    public GemmKernels gemm() {
        throw noData();
    }

    @Override
    public ElementwiseKernels elementwise() {
        throw noData();
    }

    @Override
    public NormKernels norm() {
        throw noData();
    }

    @Override
    public ConvKernels conv() {
        throw noData();
    }

    @Override
    public PictureKernels picture() {
        throw noData();
    }

    @Override
    public SsmKernels ssm() {
        throw noData();
    }

    @Override
    public SoftmaxKernels softmax() {
        throw noData();
    }

    @Override
    public IndexKernels index() {
        throw noData();
    }

    @Override
    public OptimKernels optim() {
        throw noData();
    }
}
