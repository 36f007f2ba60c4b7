package org.aimjvm.data;

import java.util.List;
import java.util.stream.IntStream;

/** A labelled set of pictures of one size, in a fixed order, read by index. Safe for use by several threads. */
public interface PictureSource {

    /** Number of pictures, each view counted. */
    int size();

    /**
     * Views there are of each picture, at least 1: index {@code v * (size / crops) + i} is view v of picture i.
     */
    default int crops() {
        return 1;
    }

    /** Colour channels: 1 or 3 (red, green, blue). */
    int channels();

    /** Rows of pixels. */
    int height();

    /** Columns of pixels. */
    int width();

    /** Names of the classes, by label; unmodifiable. */
    List<String> classNames();

    /** Class of picture {@code index}, from 0. */
    int label(int index);

    /** Class of each picture, in order. */
    default int[] labels() {
        return IntStream.range(0, size()).map(this::label).toArray();
    }

    /**
     * Reads a picture.
     *
     * @param index from 0
     * @param draw decides random crops and flips as a pure function, for sources that have them; 0 means none: the
     *     centre crop
     * @param chw output: the picture as (channels, height, width), in [-1, 1], is written from {@code offset} on
     */
    void read(int index, long draw, float[] chw, int offset);

    /**
     * A text that differs between different data, which a checkpoint keeps so that a run is not continued with other
     * pictures.
     */
    String fingerprint();

    /** Floats of one picture: channels times height times width. */
    default int pictureSize() {
        return channels() * height() * width();
    }

    /** Reads picture {@code index} as it is, without random crop or flip, into the start of {@code chw}. */
    default void read(int index, float[] chw) {
        read(index, 0, chw, 0);
    }
}
