package org.aimjvm.data;

/**
 * A fixed list of views of a set's pictures: row {@code v * n + i} is view v of the i-th of the n pictures in an order
 * of the seed. View 0 is the picture as it is, the others have random crops and flips where the set has them. A row is the
 * same whenever it is read, so that something made of it once, such as codes, stays its own.
 */
public final class PictureViews extends ChosenPictures {
    private final int rows;
    private final long seed;
    private final int[] order;

    /**
     * @param rows of the list, at least 1; with fewer than there are pictures some are left out
     * @param seed of order, crops and flips
     */
    public PictureViews(PictureSource all, int rows, long seed) {
        super(all);
        if (rows < 1) {
            throw new IllegalArgumentException("rows: " + rows + " (expected at least 1)");
        }
        this.rows = rows;
        this.seed = seed;
        this.order = Split.order(all.size(), seed);
    }

    @Override
    int picture(int row) {
        return order[row % order.length];
    }

    @Override
    public int size() {
        return rows;
    }

    /** Reads a row; {@code draw} changes nothing. */
    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        int picture = picture(index);
        int view = index / order.length;
        long own = view == 0 ? 0 : Draws.bits(seed, Draws.Purpose.AUGMENT, view, picture) | 1;
        all().read(picture, own, chw, offset);
    }

    @Override
    public String fingerprint() {
        return new Fingerprint().add("views").add(all().fingerprint()).add(rows, seed).toString();
    }
}
