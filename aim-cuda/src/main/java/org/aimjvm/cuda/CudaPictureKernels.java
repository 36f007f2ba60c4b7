package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/picture.cu}. */
final class CudaPictureKernels implements PictureKernels {
    private static final int THREADS = 256;

    private final Kernel maxPool;
    private final Kernel maxPoolBackward;
    private final Kernel avgPool;
    private final Kernel avgPoolBackward;
    private final Kernel bilinear;
    private final Kernel bilinearBackward;
    private final Kernel nearest;
    private final Kernel nearestBackward;
    private final Kernel shift;

    CudaPictureKernels(CudaContext context) {
        KernelModule module = context.module("picture");
        this.maxPool = module.kernel("max_pool_forward_f32");
        this.maxPoolBackward = module.kernel("max_pool_backward_f32");
        this.avgPool = module.kernel("avg_pool_forward_f32");
        this.avgPoolBackward = module.kernel("avg_pool_backward_f32");
        this.bilinear = module.kernel("resize_bilinear_forward_f32");
        this.bilinearBackward = module.kernel("resize_bilinear_backward_f32");
        this.nearest = module.kernel("resize_nearest_forward_f32");
        this.nearestBackward = module.kernel("resize_nearest_backward_f32");
        this.shift = module.kernel("shift_f32");
    }

    private static Grid perElement(int n) {
        return Grid.of(Grid.blocks(n, THREADS), THREADS);
    }

    private static Grid perInput(Pool2dShape s) {
        return perElement(s.planes() * s.height() * s.width());
    }

    private static Grid perOutput(Pool2dShape s) {
        return perElement(s.planes() * s.outHeight() * s.outWidth());
    }

    /** The arguments that all poolings have. */
    private static Kernel.Launch pool(Kernel kernel, Grid grid, Pool2dShape s) {
        return kernel.on(grid)
                .arg("planes", s.planes()).arg("height", s.height()).arg("width", s.width())
                .arg("out_height", s.outHeight()).arg("out_width", s.outWidth())
                .arg("kernel_height", s.kernelHeight()).arg("kernel_width", s.kernelWidth())
                .arg("stride_height", s.strideHeight()).arg("stride_width", s.strideWidth())
                .arg("pad_height", s.padHeight()).arg("pad_width", s.padWidth());
    }

    @Override
    public void maxPool2d(Storage y, Storage x, Pool2dShape s) {
        pool(maxPool, perOutput(s), s).arg("y", plain(y)).arg("x", plain(x)).launch();
    }

    @Override
    public void maxPool2dBackward(Storage dx, Storage dy, Storage x, Pool2dShape s) {
        pool(maxPoolBackward, perInput(s), s).arg("dx", plain(dx)).arg("dy", plain(dy)).arg("x", plain(x)).launch();
    }

    private static int whole(Pool2dShape s, boolean countPadding) {
        return countPadding ? s.kernelHeight() * s.kernelWidth() : 0;
    }

    @Override
    public void avgPool2d(Storage y, Storage x, Pool2dShape s, boolean countPadding) {
        pool(avgPool, perOutput(s), s).arg("y", plain(y)).arg("x", plain(x)).arg("whole", whole(s, countPadding))
                .launch();
    }

    @Override
    public void avgPool2dBackward(Storage dx, Storage dy, Pool2dShape s, boolean countPadding) {
        pool(avgPoolBackward, perInput(s), s).arg("dx", plain(dx)).arg("dy", plain(dy))
                .arg("whole", whole(s, countPadding)).launch();
    }

    private static Grid perInput(ResizeShape s) {
        return perElement(s.planes() * s.height() * s.width());
    }

    private static Grid perOutput(ResizeShape s) {
        return perElement(s.planes() * s.outHeight() * s.outWidth());
    }

    @Override
    public void resizeBilinear(Storage y, Storage x, ResizeShape s) {
        bilinear.launch(
                perOutput(s), plain(y), plain(x), s.planes(), s.height(), s.width(), s.outHeight(), s.outWidth(),
                s.grid().ordinal());
    }

    @Override
    public void resizeBilinearBackward(Storage dx, Storage dy, ResizeShape s) {
        bilinearBackward.launch(
                perInput(s), plain(dx), plain(dy), s.planes(), s.height(), s.width(), s.outHeight(), s.outWidth(),
                s.grid().ordinal());
    }

    @Override
    public void resizeNearest(Storage y, Storage x, ResizeShape s) {
        nearest.launch(
                perOutput(s), plain(y), plain(x), s.planes(), s.height(), s.width(), s.outHeight(), s.outWidth());
    }

    @Override
    public void resizeNearestBackward(Storage dx, Storage dy, ResizeShape s) {
        nearestBackward.launch(
                perInput(s), plain(dx), plain(dy), s.planes(), s.height(), s.width(), s.outHeight(), s.outWidth());
    }

    @Override
    public void shift(Storage y, Storage x, Storage offsets, int sign, int batch, int channels, int height, int width) {
        int n = batch * channels * height * width;
        shift.launch(perElement(n), plain(y), plain(x), plain(offsets), sign, n, channels, height, width);
    }
}
