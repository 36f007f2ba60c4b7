package org.aimjvm.data;

/** Some of a set's pictures, in an order of choice. */
public final class PictureSubset extends ChosenPictures {
    private final int[] indices;
    private final String fingerprint;

    /**
     * @param indices of the pictures in {@code all}, at least one. Not modified
     * @throws IllegalArgumentException if there is none, or one is not in the set
     */
    public PictureSubset(PictureSource all, int[] indices) {
        super(all);
        if (indices.length == 0) {
            throw new IllegalArgumentException("indices: none (expected at least one)");
        }
        for (int index : indices) {
            if (index < 0 || index >= all.size()) {
                throw new IllegalArgumentException("indices: " + index + " (expected 0 to " + (all.size() - 1) + ")");
            }
        }
        this.indices = indices.clone();
        this.fingerprint = new Fingerprint().add("subset").add(all.fingerprint()).add(indices).toString();
    }

    @Override
    int picture(int index) {
        return indices[index];
    }

    @Override
    public int size() {
        return indices.length;
    }

    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        all().read(picture(index), draw, chw, offset);
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }
}
