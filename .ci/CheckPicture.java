import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.util.BitSet;
import javax.imageio.ImageIO;

/** Fails unless its argument is a PNG that shows something: several grey levels, neither flat nor noise. */
public final class CheckPicture {
    private static final int MIN_SIZE = 16;
    private static final int MIN_LEVELS = 16;
    private static final double MIN_DEVIATION = 10;

    private CheckPicture() {}

    public static void main(String[] args) throws IOException {
        File file = new File(args[0]);
        BufferedImage image = file.isFile() ? ImageIO.read(file) : null;
        if (image == null) {
            fail(file + ": no picture, expected a PNG");
        }
        int width = image.getWidth();
        int height = image.getHeight();
        if (width < MIN_SIZE || height < MIN_SIZE) {
            fail(file + ": " + width + "x" + height + " pixels, expected at least " + MIN_SIZE + " a side");
        }
        BitSet levels = new BitSet();
        double sum = 0;
        double squares = 0;
        double steps = 0; // mean square of the difference to the pixel on the left
        for (int y = 0; y < height; y++) {
            int left = grey(image.getRGB(0, y));
            for (int x = 0; x < width; x++) {
                int grey = grey(image.getRGB(x, y));
                levels.set(grey);
                sum += grey;
                squares += (double) grey * grey;
                steps += (double) (grey - left) * (grey - left);
                left = grey;
            }
        }
        int n = width * height;
        double variance = squares / n - sum / n * (sum / n);
        double roughness = steps / n / Math.max(variance, 1e-9); // 2 for white noise, near 0 for smooth pictures
        System.out.printf("%s: %dx%d, %d grey levels, deviation %.1f, roughness %.2f%n", file, width, height,
                levels.cardinality(), Math.sqrt(variance), roughness);
        if (levels.cardinality() < MIN_LEVELS || Math.sqrt(variance) < MIN_DEVIATION || roughness > 1.5) {
            fail(file + ": flat or noise, expected " + MIN_LEVELS + " levels, deviation " + MIN_DEVIATION
                    + " and roughness below 1.5");
        }
    }

    private static int grey(int rgb) {
        return ((rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255)) / 3;
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }
}
