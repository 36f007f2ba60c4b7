package org.aimjvm.data;

import java.util.List;
import java.util.Objects;

/**
 * Options of reading a folder of pictures. {@link #DEFAULT} is the paper's recipe; {@code with...} methods change one
 * thing.
 *
 * @param side rows and columns of the result; 0 for 32 with IDX files, which get a frame, and 256 with picture files
 * @param resizeShort the short side of a picture file is resized to this before cropping, at least {@code side}; 0 for
 *     an eighth more than {@code side}, as in the paper (288 for 256)
 * @param channels 3, 1 for gray, or 0 for what the data have: 1 with IDX files, else 3
 * @param randomCrop whether training crops picture files anywhere, instead of the centre
 * @param flip whether training mirrors every other picture file, drawn at random
 * @param upright whether orientation tags (EXIF) are honoured
 * @param skipEmptyClasses whether a folder without a readable picture is no class, instead of an error
 * @param decodeAll whether every picture file is decoded when the folder is opened, instead of its header and end only
 * @param classNames by label, for IDX files; empty for those of Fashion-MNIST if it is that, else numbers
 * @param admCrop whether a picture file is resized as in ADM, DiT and LlamaGen, with Pillow's pixels
 *     ({@link org.aimjvm.io.Images#admPart}): with {@code randomCrop} training makes its short side what
 *     {@code cropFraction} says; else, and outside training, it becomes {@link org.aimjvm.io.Images#admCrop}.
 *     {@code resizeShort} has no effect then
 * @param cropFraction how much of the short side random crops keep with {@code admCrop}; no effect else
 */
public record PictureOptions(
        int side,
        int resizeShort,
        int channels,
        boolean randomCrop,
        boolean flip,
        boolean upright,
        boolean skipEmptyClasses,
        boolean decodeAll,
        List<String> classNames,
        boolean admCrop,
        CropFraction cropFraction) {
    /** Colour, 256 x 256 out of 288, random crops, no flips. */
    public static final PictureOptions DEFAULT =
            new PictureOptions(0, 0, 0, true, false, true, false, false, List.of(), false, CropFraction.DEFAULT);

    private static final int FILE_SIDE = 256;

    public PictureOptions {
        if (side < 0) {
            throw new IllegalArgumentException("side: " + side + " (expected at least 1, or 0 for the default)");
        }
        int least = side == 0 ? FILE_SIDE : side;
        if (resizeShort != 0 && resizeShort < least) {
            throw new IllegalArgumentException("resizeShort: " + resizeShort + " (expected at least side " + least
                    + ", or 0 for an eighth more)");
        }
        if (channels != 0 && channels != 1 && channels != 3) {
            throw new IllegalArgumentException("channels: " + channels + " (expected 1 or 3, or 0 for what there is)");
        }
        classNames = List.copyOf(classNames);
        Objects.requireNonNull(cropFraction, "cropFraction");
    }

    /** The default with {@code side} rows and columns. */
    public static PictureOptions of(int side) {
        return DEFAULT.withSide(side);
    }

    /** Rows and columns of a picture file after cropping. */
    int fileSide() {
        return side == 0 ? FILE_SIDE : side;
    }

    /** Short side of a picture file after resizing; the most that it becomes. */
    int fileShort() {
        if (admCrop) {
            return randomCrop ? cropFraction.longest(fileSide()) : fileSide();
        }
        return resizeShort == 0 ? fileSide() + fileSide() / 8 : resizeShort;
    }

    /** Channels of a picture file. */
    int fileChannels() {
        return channels == 1 ? 1 : 3;
    }

    public PictureOptions withSide(int pixels) {
        return new PictureOptions(pixels, resizeShort, channels, randomCrop, flip, upright, skipEmptyClasses, decodeAll,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withResizeShort(int pixels) {
        return new PictureOptions(side, pixels, channels, randomCrop, flip, upright, skipEmptyClasses, decodeAll,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withChannels(int count) {
        return new PictureOptions(side, resizeShort, count, randomCrop, flip, upright, skipEmptyClasses, decodeAll,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withRandomCrop(boolean on) {
        return new PictureOptions(side, resizeShort, channels, on, flip, upright, skipEmptyClasses, decodeAll,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withFlip(boolean on) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, on, upright, skipEmptyClasses, decodeAll,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withUpright(boolean on) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, flip, on, skipEmptyClasses, decodeAll,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withSkipEmptyClasses(boolean on) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, flip, upright, on, decodeAll, classNames,
                admCrop, cropFraction);
    }

    public PictureOptions withDecodeAll(boolean on) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, flip, upright, skipEmptyClasses, on,
                classNames, admCrop, cropFraction);
    }

    public PictureOptions withClassNames(List<String> names) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, flip, upright, skipEmptyClasses, decodeAll,
                names, admCrop, cropFraction);
    }

    public PictureOptions withAdmCrop(boolean on) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, flip, upright, skipEmptyClasses, decodeAll,
                classNames, on, cropFraction);
    }

    public PictureOptions withCropFraction(CropFraction fraction) {
        return new PictureOptions(side, resizeShort, channels, randomCrop, flip, upright, skipEmptyClasses, decodeAll,
                classNames, admCrop, fraction);
    }
}
