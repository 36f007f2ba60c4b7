package org.aimjvm.data;

/**
 * Pictures as codes of a tokenizer, with labels, read by index: what stage 2 trains on. A picture may be there several
 * times, as its <em>crops</em>; training draws one of them each time that it draws the picture. Safe for use by several
 * threads.
 */
public interface CodeSource extends AutoCloseable {

    /** What the codes were made of. */
    TokenDatasetInfo info();

    /** Number of pictures. */
    int size();

    /** Codes of a picture. */
    default int length() {
        return info().length();
    }

    /** Times each picture is there, at least 1. The first is what is validated on. */
    default int crops() {
        return 1;
    }

    /** Class of picture {@code index}, from 0. */
    int label(int index);

    /**
     * Writes the codes of a picture, row by row of the grid, into {@code out} from {@code offset} on.
     *
     * @param index of the picture, from 0
     * @param crop which one, from 0 to {@link #crops} - 1
     * @throws org.aimjvm.io.CheckpointException if a code is not in the vocabulary, or the file is damaged
     */
    void read(int index, int crop, int[] out, int offset);

    /** Identifies codes and labels, so that a run is not continued with others. */
    String fingerprint();

    @Override
    void close();
}
