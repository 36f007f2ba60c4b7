package org.aimjvm.train;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.Draws;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.tensor.Tensor;

/**
 * Labelled pictures of a pass, as the host holds them.
 *
 * @param source where they are from
 * @param pixels (pictures, channels, height, width) in [-1, 1]. Not modified
 * @param labels class of each. Not modified
 */
public record PictureBatch(PictureSource source, float[] pixels, int[] labels) {

    /** Reads pictures, cropped and flipped at random by (seed, step, row) where the source does so. */
    public static PictureBatch read(PictureSource source, long seed, MicroBatch rows) {
        int[] examples = rows.examples();
        long[] draws = new long[rows.size()]; // never 0, which would switch random crops and flips off
        Arrays.setAll(
                draws, i -> Draws.bits(seed, Draws.Purpose.AUGMENT, rows.step(), rows.firstRow() + i) | 1);
        return new PictureBatch(
                source, Pictures.read(source, examples, draws), Arrays.stream(examples).map(source::label).toArray());
    }

    /** The pictures in the current scope, (pictures, channels, height, width). */
    public Tensor pixels(Backend backend) {
        return Pictures.tensor(backend, source, pixels);
    }

    /** The labels in the current scope, I32 (pictures). */
    public Tensor labels(Backend backend) {
        return Tensor.ofInts(backend, Shape.of(labels.length), labels);
    }
}
