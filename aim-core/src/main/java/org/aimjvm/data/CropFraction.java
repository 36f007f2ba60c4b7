package org.aimjvm.data;

/**
 * How much of a picture's short side random crops keep, as in guided-diffusion's {@code random_crop_arr}: the short
 * side is resized to a whole number drawn uniformly from {@code ceil(side / most)} to {@code ceil(side / least)}, both
 * included, before {@code side} pixels are cut out.
 *
 * @param least above 0, at most {@code most}
 * @param most at most 1
 */
public record CropFraction(double least, double most) {
    /** 0.8 to 1, as in guided-diffusion and LlamaGen. */
    public static final CropFraction DEFAULT = new CropFraction(0.8, 1);

    public CropFraction {
        if (!(least > 0 && least <= most && most <= 1)) {
            throw new IllegalArgumentException("cropFraction: " + least + ", " + most
                    + " (expected two numbers above 0, at most 1, the smaller first)");
        }
    }

    /** The least that the short side becomes, at least {@code side}. */
    int shortest(int side) {
        return (int) Math.min(Integer.MAX_VALUE, Math.ceil(side / most));
    }

    /**
     * The most that the short side becomes.
     *
     * @param side rows and columns of the crop
     */
    public int longest(int side) {
        return (int) Math.min(Integer.MAX_VALUE, Math.ceil(side / least));
    }
}
