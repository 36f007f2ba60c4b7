package org.aimjvm.feature;

import org.aimjvm.data.PictureSource;

/**
 * Sizes of {@link Classifier}.
 *
 * @param channels of the pictures
 * @param side rows and columns of the pictures, a multiple of 4
 * @param classes to tell apart, at least 2
 * @param width filters of the first convolution, a multiple of 8; the others have 2 and 4 times as many
 * @param features values that describe a picture, what the Frechet distance compares
 */
public record ClassifierConfig(int channels, int side, int classes, int width, int features) {
    public ClassifierConfig {
        require(channels >= 1, "channels", channels, "at least 1");
        require(side >= 4 && side % 4 == 0, "side", side, "a multiple of 4");
        require(classes >= 2, "classes", classes, "at least 2");
        require(width >= 8 && width % 8 == 0, "width", width, "a multiple of 8");
        require(features >= 1, "features", features, "at least 1");
    }

    /** For the pictures of {@code source}: 32, 64 and 128 filters, 128 features. */
    public static ClassifierConfig of(PictureSource source) {
        if (source.height() != source.width()) {
            throw new IllegalArgumentException(
                    "pictures: " + source.height() + " x " + source.width() + " (expected square ones)");
        }
        return new ClassifierConfig(source.channels(), source.height(), source.classNames().size(), 32, 128);
    }

    /** The same with other numbers of filters and features. */
    public ClassifierConfig withSizes(int newWidth, int newFeatures) {
        return new ClassifierConfig(channels, side, classes, newWidth, newFeatures);
    }

    private static void require(boolean ok, String name, int value, String expected) {
        if (!ok) {
            throw new IllegalArgumentException(name + ": " + value + " (expected " + expected + ")");
        }
    }
}
