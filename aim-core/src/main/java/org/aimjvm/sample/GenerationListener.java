package org.aimjvm.sample;

/**
 * Watches a generation, on its thread. What a method throws ends the generation and reaches its caller; the generator can be
 * used again.
 */
public interface GenerationListener {
    /** Watches nothing. */
    GenerationListener NONE = new GenerationListener() {};

    /**
     * A token was drawn, or taken from the prefix. Where the device draws, some tokens later.
     *
     * @param picture index of the picture in the request
     * @param position index of the token in the picture, in raster order
     * @param token index in the codebook
     */
    default void onToken(int picture, int position, int token) {}

    /**
     * A row of codes is complete for the pictures of a batch.
     *
     * @param row rows done so far, from 1
     * @param partial the pictures as far as they are, decoded on request; with the last row they are the finished ones
     */
    default void onRow(int row, PartialPictures partial) {}

    /**
     * A picture is complete and decoded.
     *
     * @param picture index of the picture in the request
     */
    default void onPicture(int picture, GeneratedPicture result) {}

    /**
     * Asked before every token and every decoding; {@code true} ends the generation with a
     * {@link java.util.concurrent.CancellationException}, as an interrupt of the thread does.
     */
    default boolean isCancelled() {
        return false;
    }

    /** Unfinished pictures of one batch. What was drawn so far stays as it is, so they may be decoded later too. */
    interface PartialPictures {
        /** Index in the request of the first picture of the batch. */
        int first();

        /** Pictures in the batch. */
        int count();

        /**
         * Decodes picture {@code i} of the batch with the codes drawn so far and zero latents elsewhere.
         *
         * @param i 0 to {@code count() - 1}
         * @return (channels, height, width), about [-1, 1], not clamped
         */
        float[] decode(int i);
    }
}
