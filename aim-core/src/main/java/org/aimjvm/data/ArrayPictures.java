package org.aimjvm.data;

import java.util.List;

/**
 * Pictures that are in memory already: generated ones, reconstructions.
 *
 * @param channels 1 or 3
 * @param height rows
 * @param width columns
 * @param classNames by label
 * @param labels class of each picture. Not copied
 * @param pixels (size, channels, height, width) in [-1, 1]. Not copied
 */
public record ArrayPictures(
        int channels, int height, int width, List<String> classNames, int[] labels, float[] pixels)
        implements
            PictureSource {

    public ArrayPictures {
        classNames = List.copyOf(classNames);
        if ((long) labels.length * channels * height * width != pixels.length) {
            throw new IllegalArgumentException("pixels: " + pixels.length + " values (expected " + labels.length + " x "
                    + channels + " x " + height + " x " + width + ")");
        }
        for (int label : labels) {
            if (label < 0 || label >= classNames.size()) {
                throw new IllegalArgumentException(
                        "label: " + label + " (expected 0 to " + (classNames.size() - 1) + ")");
            }
        }
    }

    @Override
    public int size() {
        return labels.length;
    }

    @Override
    public int label(int index) {
        return labels[index];
    }

    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        System.arraycopy(pixels, index * pictureSize(), chw, offset, pictureSize());
    }

    @Override
    public String fingerprint() {
        int[] bits = new int[pixels.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToIntBits(pixels[i]);
        }
        return new Fingerprint().add("array").add(labels).add(bits).toString();
    }
}
