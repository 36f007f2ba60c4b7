package org.aimjvm.data;

import java.util.List;

/**
 * Ten views of each picture, in the order of torchvision's {@code TenCrop}, which LlamaGen's extraction of codes uses:
 * upper left, upper right, lower left, lower right and centre of the picture, then the same places of its mirror image.
 * Index {@code v * pictures + i} is view v of picture i.
 *
 * <p>A picture is mirrored before it is cut, so view 5 (upper left of the mirror image) is the mirror image of view 1.
 * An odd margin m puts the centre at m / 2 rounded to even, of the picture as of its mirror image; views 4 and 9 are
 * then one column apart.
 */
public final class TenCrops implements PictureSource {
    /** Views of a picture. */
    public static final int VIEWS = 10;

    private static final int PLACES = VIEWS / 2;

    private final PictureSource whole;
    private final int side;

    /**
     * @param whole the pictures that are cut, read without random crop or flip
     * @param side rows and columns of a view, at most those of the pictures
     * @throws IllegalArgumentException if a view is larger than the pictures, or there are too many views to count
     */
    public TenCrops(PictureSource whole, int side) {
        if (side < 1 || side > Math.min(whole.height(), whole.width())) {
            throw new IllegalArgumentException("side: " + side + " (expected 1 to "
                    + Math.min(whole.height(), whole.width()) + ", the shorter side of the pictures)");
        }
        if (whole.crops() != 1 || whole.size() > Integer.MAX_VALUE / VIEWS) {
            throw new IllegalArgumentException("pictures: " + whole.size() + " with " + whole.crops()
                    + " views each (expected at most " + Integer.MAX_VALUE / VIEWS + " with 1)");
        }
        this.whole = whole;
        this.side = side;
    }

    /**
     * Rows and columns of the pictures that views of {@code side} are cut from: {@code floor(side range)}.
     *
     * @param range at least 1; LlamaGen takes 1.1 and 1.05
     */
    public static int wholeSide(int side, double range) {
        if (!(range >= 1 && side * range <= Integer.MAX_VALUE)) {
            throw new IllegalArgumentException("range: " + range + " (expected at least 1)");
        }
        return (int) (side * range);
    }

    @Override
    public int size() {
        return VIEWS * whole.size();
    }

    @Override
    public int crops() {
        return VIEWS;
    }

    @Override
    public int channels() {
        return whole.channels();
    }

    @Override
    public int height() {
        return side;
    }

    @Override
    public int width() {
        return side;
    }

    @Override
    public List<String> classNames() {
        return whole.classNames();
    }

    @Override
    public int label(int index) {
        return whole.label(index % whole.size());
    }

    /** Nothing of a view is drawn: {@code draw} has no effect. */
    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        int view = index / whole.size();
        float[] from = new float[whole.pictureSize()];
        whole.read(index % whole.size(), from);
        int place = view % PLACES;
        boolean mirrored = view >= PLACES;
        int right = whole.width() - side;
        int below = whole.height() - side;
        int x = place == 4 ? middle(right) : place % 2 * right;
        int y = place == 4 ? middle(below) : place / 2 * below;
        int at = offset;
        for (int c = 0; c < channels(); c++) {
            for (int row = y; row < y + side; row++) {
                int start = (c * whole.height() + row) * whole.width();
                for (int column = x; column < x + side; column++) {
                    chw[at++] = from[start + (mirrored ? whole.width() - 1 - column : column)];
                }
            }
        }
    }

    private static int middle(int margin) {
        return (int) Math.rint(margin / 2.0);
    }

    @Override
    public String fingerprint() {
        return new Fingerprint().add("ten crops").add(whole.fingerprint()).add(new int[] {side}).toString();
    }
}
