package org.aimjvm.cpu.conv;

import org.aimjvm.backend.Conv2dShape;

/**
 * How the tiles of a batch are cut into blocks: rectangles of one picture, or several whole pictures where they are
 * small. A rectangle reads few pixels twice. Tiles of a block are numbered by picture, row and column.
 *
 * @param tilesDown tiles of a picture from top to bottom
 * @param tilesAcross tiles of a picture from left to right
 * @param pictures pictures of a block
 * @param down rows of tiles of a block
 * @param across columns of tiles of a block
 * @param count blocks of the batch
 */
record WinogradBlocks(int tilesDown, int tilesAcross, int pictures, int down, int across, int count) {
    /** Columns of tiles of a rectangle, at most: rows of pixels long enough for memory to deliver them as a stream. */
    private static final int ACROSS = 32;

    /**
     * One block: tile rows [row, row + down), columns [column, column + across) of pictures [picture, picture +
     * pictures).
     */
    record Block(int picture, int pictures, int row, int down, int column, int across) {
        int tiles() {
            return pictures * down * across;
        }
    }

    /** Blocks of at most {@code most} tiles, at least {@link #ACROSS}. */
    static WinogradBlocks of(Conv2dShape s, int most) {
        int tilesDown = tiles(s.outHeight());
        int tilesAcross = tiles(s.outWidth());
        int tiles = tilesDown * tilesAcross;
        if (tiles <= most) {
            int pictures = Math.min(most / tiles, s.batch());
            int count = (s.batch() + pictures - 1) / pictures;
            return new WinogradBlocks(tilesDown, tilesAcross, pictures, tilesDown, tilesAcross, count);
        }
        int across = even(tilesAcross, ACROSS);
        int down = even(tilesDown, most / across);
        int count = s.batch() * ceilDiv(tilesDown, down) * ceilDiv(tilesAcross, across);
        return new WinogradBlocks(tilesDown, tilesAcross, 1, down, across, count);
    }

    static int tiles(int pixels) {
        return ceilDiv(pixels, WinogradTransforms.OUT);
    }

    /** Size of equal parts of {@code n}, each at most {@code most}. */
    private static int even(int n, int most) {
        return ceilDiv(n, ceilDiv(n, most));
    }

    private static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }

    /** Tiles of the largest block. */
    int largest() {
        return pictures * down * across;
    }

    Block block(int i, int batch) {
        int inRow = ceilDiv(tilesAcross, across);
        int inPicture = inRow * ceilDiv(tilesDown, down);
        int picture = i / inPicture * pictures;
        int row = i % inPicture / inRow * down;
        int column = i % inRow * across;
        return new Block(
                picture, Math.min(pictures, batch - picture), row, Math.min(down, tilesDown - row), column,
                Math.min(across, tilesAcross - column));
    }
}
