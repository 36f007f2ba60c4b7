package org.aimjvm.train;

import java.util.Arrays;
import org.aimjvm.backend.Shape;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Dropout;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * How well a sequence model predicts codes: the mean over pictures and positions of {@code -log p(next code)}, in nats.
 */
public final class NextCodeLoss {
    private NextCodeLoss() {}

    /** Labelled codes that are read a few at a time. */
    @FunctionalInterface
    public interface Codes {
        /**
         * @param picture from 0
         * @param codes output: the picture's codes are written from {@code offset} on
         * @return the picture's label
         */
        int read(int picture, int[] codes, int offset);
    }

    /**
     * The loss of a batch, a scalar in the current scope.
     *
     * @param labels class of each picture, or the null class. Not modified
     * @param codes those of picture after picture, numTokens each. Not modified
     * @param checkpointBlocks see {@link AimModel#loss}
     */
    public static Tensor of(AimModel model, int[] labels, int[] codes, Dropout dropout, boolean checkpointBlocks) {
        int batch = labels.length;
        int length = codes.length / batch;
        int[] inputs = new int[batch * (length - 1)];
        for (int i = 0; i < batch; i++) {
            System.arraycopy(codes, i * length, inputs, i * (length - 1), length - 1);
        }
        Tensor targets = Tensor.ofInts(model.backend(), Shape.of(batch, length), codes);
        Tensor tokens = length == 1 ? null : Tensor.ofInts(model.backend(), Shape.of(batch, length - 1), inputs);
        Tensor y = Tensor.ofInts(model.backend(), Shape.of(batch), labels);
        return model.loss(model.condition(y), tokens, targets, dropout, checkpointBlocks);
    }

    /**
     * The mean over many pictures under their labels, without dropout.
     *
     * @param count pictures, at least 1
     * @param batch pictures at a time
     */
    public static double mean(AimModel model, Codes source, int count, int batch) {
        int length = model.config().numTokens();
        double sum = 0;
        for (int from = 0; from < count; from += batch) {
            int[] labels = new int[Math.min(batch, count - from)];
            int[] codes = new int[labels.length * length];
            int first = from;
            Arrays.setAll(labels, i -> source.read(first + i, codes, i * length));
            try (Scope _ = Scope.inference()) {
                sum += (double) of(model, labels, codes, Dropout.OFF, false).item() * labels.length;
            }
        }
        return sum / count;
    }
}
