package org.aimjvm.feature;

import java.util.stream.IntStream;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Split;

/**
 * The accuracy of a classifier: how often it says the label.
 *
 * @param right pictures classified as their label, by label
 * @param count pictures by label
 */
public record Accuracy(int[] right, int[] count) {

    /**
     * Classifies pictures.
     *
     * @param batch pictures at a time; does not change the answer
     * @param most pictures to use, the first ones; 0 for all
     * @throws IllegalArgumentException if the pictures or their classes are not the classifier's
     */
    public static Accuracy of(Classifier classifier, PictureSource pictures, int batch, int most) {
        classifier.requireFit(pictures);
        int classes = classifier.config().classes();
        int[] right = new int[classes];
        int[] count = new int[classes];
        classifier.forEachBatch(pictures, batch, Split.limit(pictures.size(), most), (from, features) -> {
            int[] guesses = Classifier.argmax(classifier.logits(features).toFloats(), classes);
            for (int i = 0; i < guesses.length; i++) {
                int label = pictures.label(from + i);
                count[label]++;
                right[label] += guesses[i] == label ? 1 : 0;
            }
        });
        return new Accuracy(right, count);
    }

    /** Share of all pictures, 0 to 1. */
    public double total() {
        return (double) IntStream.of(right).sum() / IntStream.of(count).sum();
    }

    /** Share of the pictures of {@code label}; NaN if there are none. */
    public double of(int label) {
        return (double) right[label] / count[label];
    }
}
