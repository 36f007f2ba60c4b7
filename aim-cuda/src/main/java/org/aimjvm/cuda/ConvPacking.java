package org.aimjvm.cuda;

import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.MatmulPrecision;

/**
 * Pictures laid out for products, with the channels innermost: {@code conv_pack_pictures_*} of {@code kernels/conv.cu}.
 * Batches whose pictures take more scratch memory than {@link #PACKED_BYTES} are packed in parts.
 */
final class ConvPacking {
    /** Elements of a packed filter are a multiple of it, as every tile's depth divides it. */
    static final int LINE_STEP = 32;

    private static final int PACK_PIXELS = 32;
    private static final int PACK_CHANNELS = 64;
    /** Scratch memory for packed pictures of one kind. */
    private static final long PACKED_BYTES = 1L << 30;
    private static final int THREADS = 256;

    /** A product's kernels by the edge of their tiles; no large ones of exact products. */
    record Tiles(Kernel small, Kernel large, int smallThreads) {
        static Tiles of(KernelModule module, String name, MatmulPrecision p) {
            return p == MatmulPrecision.F32
                    ? new Tiles(module.kernel(name + "_f32"), null, THREADS)
                    : new Tiles(module.kernel(name + "_64_" + p), module.kernel(name + "_128_" + p), THREADS / 2);
        }
    }

    /** Pictures that are packed: {@code padded} channels, zeros after those that there are. */
    record Pictures(int channels, int padded, int area, int bytesOfElement) {
        long bytes(int pictures) {
            return ((long) pictures * area * padded + 4) * bytesOfElement; // and four zeros at the end
        }
    }

    /** Normalisation of what is packed. */
    record Norm(CudaStorage stats, CudaStorage weight, CudaStorage bias, int groups) {}

    private final Kernel packPictures;
    private final String format;
    private final int elementBytes;
    private long packedBytes = PACKED_BYTES;

    ConvPacking(CudaContext context, KernelModule module) {
        boolean half = context.precision() == MatmulPrecision.BF16;
        this.format = half ? "bf16" : "f32";
        this.elementBytes = half ? 2 : 4;
        this.packPictures = module.kernel("conv_pack_pictures_" + format);
    }

    /** Of packed elements, as in the kernels' names. */
    String format() {
        return format;
    }

    int elementBytes() {
        return elementBytes;
    }

    /** For tests: how much is packed at once. */
    void limit(long bytes) {
        packedBytes = bytes;
    }

    /** How many pictures can be packed at once. */
    int atOnce(Pictures p) {
        return Math.clamp(packedBytes / p.bytes(1), 1, Grid.MAX_YZ);
    }

    /** @throws IllegalArgumentException if kernels cannot index one of these pictures */
    Pictures pictures(int channels, int height, int width) {
        int area = Math.multiplyExact(height, width);
        Pictures p = new Pictures(channels, (channels + 3) / 4 * 4, area, elementBytes);
        if ((long) area * p.padded() > Integer.MAX_VALUE - 4) {
            throw new IllegalArgumentException("conv2d: a picture of " + p.padded() + "x" + height + "x" + width
                    + " elements (expected less than 2^31)");
        }
        return p;
    }

    /** Packs {@code count} pictures of x from {@code first} on, normalised unless {@code norm} is {@code null}. */
    void pack(Scratch packed, CudaStorage x, Norm norm, Pictures p, int first, int count) {
        packPictures.launch(
                Grid.of(Grid.blocks(p.area(), PACK_PIXELS), Grid.blocks(p.padded(), PACK_CHANNELS), count, 1)
                        .threads(WARP, 8),
                packed.storage(), x, norm == null ? null : norm.stats(), norm == null ? null : norm.weight(),
                norm == null ? null : norm.bias(), norm == null ? 1 : p.channels() / norm.groups(), p.channels(),
                p.padded(), p.area(), first);
    }

    /** Tiles of this edge that a matrix has. */
    static int tiles(int rows, int cols, int edge) {
        return Grid.blocks(rows, edge) * Grid.blocks(cols, edge);
    }
}
