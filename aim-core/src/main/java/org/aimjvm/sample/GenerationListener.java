package org.aimjvm.sample;

/** Watches a generation, on its thread. */
public interface GenerationListener {
    /** Watches nothing. */
    GenerationListener NONE = new GenerationListener() {};

    /**
     * A token was drawn.
     *
     * @param picture index of the picture in the request
     * @param position index of the token in the picture, in raster order
     */
    default void onToken(int picture, int position, int token) {}

    /**
     * A row of codes is complete for the pictures of a batch.
     *
     * @param row rows done so far, from 1
     * @param partial the pictures as far as they are, decoded on request
     */
    default void onRow(int row, PartialPictures partial) {}

    /** A picture is complete and decoded. */
    default void onPicture(int picture, GeneratedPicture result) {}

    /** Asked before every token; {@code true} ends the generation with a {@link java.util.concurrent.CancellationException}. */
    default boolean isCancelled() {
        return false;
    }

    /** Unfinished pictures of one batch. */
    interface PartialPictures {
        /** Index in the request of the first picture of the batch. */
        int first();

        /** Pictures in the batch. */
        int count();

        /** Decodes picture {@code i} of the batch with the codes drawn so far, zero latents elsewhere: (channels, height, width). */
        float[] decode(int i);
    }
}
