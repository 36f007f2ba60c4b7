package org.aimjvm.train;

import java.util.Objects;
import org.aimjvm.data.CodeSource;
import org.aimjvm.data.PictureSource;
import org.aimjvm.vq.VqConfig;

/**
 * Codes and the pictures that a decoder should make of them, row by row.
 *
 * @param pictures the same for a row whenever it is read, as {@link org.aimjvm.data.PictureViews} are
 * @param codes as many, under the same labels; with one crop each
 */
public record CodePairs(PictureSource pictures, CodeSource codes) {
    /** @throws IllegalArgumentException if numbers or labels differ */
    public CodePairs {
        Objects.requireNonNull(pictures, "pictures");
        if (codes.size() != pictures.size() || codes.crops() != 1) {
            throw new IllegalArgumentException("codes: of " + codes.size() + " pictures, " + codes.crops()
                    + " of each (expected of " + pictures.size() + ", one of each, as there are pictures)");
        }
        for (int row = 0; row < codes.size(); row++) {
            if (codes.label(row) != pictures.label(row)) {
                throw new IllegalArgumentException("codes: label " + codes.label(row) + " in row " + row + " (expected "
                        + pictures.label(row) + ", the picture's)");
            }
        }
    }

    /** Number of pairs. */
    public int size() {
        return pictures.size();
    }

    /** Codes of some rows, those of picture after picture. */
    public int[] codes(int[] rows) {
        int length = codes.length();
        int[] all = new int[rows.length * length];
        for (int i = 0; i < rows.length; i++) {
            codes.read(rows[i], 0, all, i * length);
        }
        return all;
    }

    /** Identifies pictures and codes. */
    String fingerprint() {
        return pictures.fingerprint() + " " + codes.fingerprint();
    }

    void requireFit(VqConfig config) {
        int f = config.downsampling();
        if (codes.info().vocab() != config.nEmbed()) {
            throw new IllegalArgumentException("vocab: " + codes.info().vocab() + " (expected " + config.nEmbed()
                    + ", the tokenizer's codes)");
        }
        int height = codes.info().gridHeight() * f;
        int width = codes.info().gridWidth() * f;
        if (pictures.channels() != config.outChannels() || pictures.height() != height || pictures.width() != width) {
            throw new IllegalArgumentException("pictures: " + pictures.channels() + " x " + pictures.height() + " x "
                    + pictures.width() + " (expected " + config.outChannels() + " x " + height + " x " + width
                    + ", as the tokenizer makes of the codes)");
        }
    }
}
