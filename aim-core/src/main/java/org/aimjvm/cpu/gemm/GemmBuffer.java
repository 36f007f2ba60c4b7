package org.aimjvm.cpu.gemm;

/** Working memory of {@link VectorGemmKernels}, per thread, by what it holds. */
enum GemmBuffer {
    /** Panels of a block of B that one thread packs for itself: (depth, columns). */
    PANELS,
    /** Rows of a transposed A, turned: (rows, depth), rows an odd number of cache lines apart. */
    ROWS,
    /** {@link GemmTile#RIM} floats for tiles at the right rim. */
    RIM,
    /** y transposed, of {@link FewRowsGemm}: (columns of a piece, rows). */
    TURNED,
    /** Panels of all of x, of {@link FewRowsGemm}: the caller's, read by all threads. */
    FEW_ROWS_PANELS,
    /** Panels of all columns of B for a part of the depth: the caller's, written and read by all threads. */
    SHARED_PANELS
}
