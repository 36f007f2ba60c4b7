package org.aimjvm.io;

import java.io.IOException;

/**
 * Where the first frame of a GIF lies on the canvas.
 *
 * @param canvasWidth columns of the picture: those of the canvas, or more if the frame reaches beyond it
 * @param canvasHeight rows of the picture
 * @param left column of the frame on it
 * @param top row of the frame on it
 */
record GifFrame(int canvasWidth, int canvasHeight, int left, int top) {
    private static final int EXTENSION = 0x21;
    private static final int IMAGE = 0x2c;
    private static final int TABLE = 0x80;

    /** @throws IOException if there is no frame */
    static GifFrame of(PictureBytes bytes) throws IOException {
        long at = 13 + (bytes.u8(10) >= TABLE ? 3L << (bytes.u8(10) & 7) + 1 : 0);
        while (bytes.u8(at) == EXTENSION) {
            at += 2;
            while (bytes.u8(at) != 0) { // its blocks, each with its length before it
                at += 1 + bytes.u8(at);
            }
            at++;
        }
        if (bytes.u8(at) != IMAGE) {
            throw new IOException("damaged GIF: no picture");
        }
        int left = bytes.u16le(at + 1);
        int top = bytes.u16le(at + 3);
        return new GifFrame(
                Math.max(bytes.u16le(6), left + bytes.u16le(at + 5)),
                Math.max(bytes.u16le(8), top + bytes.u16le(at + 7)), left, top);
    }
}
