package org.aimjvm.data;

/**
 * How pictures of a folder are brought to one size.
 *
 * @param side rows and columns of the result
 * @param resizeShort the short side is resized to this before cropping; at least {@code side}. The paper's recipe has 288 for 256
 * @param channels 3, or 1 for gray
 * @param randomCrop whether training crops anywhere, instead of the centre
 * @param flip whether training mirrors every other picture, drawn at random
 */
public record ImageFolderOptions(int side, int resizeShort, int channels, boolean randomCrop, boolean flip) {
    public ImageFolderOptions {
        if (side < 1) {
            throw new IllegalArgumentException("side: " + side + " (expected at least 1)");
        }
        if (resizeShort < side) {
            throw new IllegalArgumentException(
                    "resizeShort: " + resizeShort + " (expected at least side " + side + ")");
        }
        if (channels != 1 && channels != 3) {
            throw new IllegalArgumentException("channels: " + channels + " (expected 1 or 3)");
        }
    }

    /** Colour, short side resized to 1.125 times {@code side} (as the paper, 288 for 256), random crops, no flips. */
    public static ImageFolderOptions of(int side) {
        return new ImageFolderOptions(side, side + side / 8, 3, true, false);
    }
}
