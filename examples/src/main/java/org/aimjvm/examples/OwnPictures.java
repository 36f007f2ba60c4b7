package org.aimjvm.examples;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.Images;

/**
 * Pictures from somewhere else than a folder: shapes, drawn when they are asked for. A database or an archive is read
 * in the same way. Argument: the folder to train in, after {@link TrainBothStages}.
 *
 * @param size how many pictures there are
 * @param channels 3, or 1 for gray
 * @param side rows and columns
 */
public record OwnPictures(int size, int channels, int side) implements PictureSource {
    public static void main(String[] args) throws IOException {
        Path out = Path.of(args.length > 0 ? args[0] : ".");
        OwnPictures pictures = new OwnPictures(6000, 1, 32);
        pictures.saveGrid(out.resolve("shapes.png"), 4);
        TrainBothStages.run(pictures, out, TrainBothStages.Size.SMALL);
    }

    /** Writes the first {@code rows} pictures of each class: look at your data as the model will see them. */
    void saveGrid(Path png, int rows) throws IOException {
        List<BufferedImage> images = new ArrayList<>();
        float[] pixels = new float[pictureSize()];
        for (int i = 0; i < rows * classNames().size(); i++) {
            read(i, pixels);
            images.add(Images.fromFloats(pixels, 0, channels, side, side));
        }
        Images.writePng(png, Images.grid(images, classNames().size(), 2));
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
        return List.of("disc", "square", "triangle");
    }

    @Override
    public int label(int index) {
        return index % classNames().size();
    }

    /**
     * Draws picture {@code index}. A pure function of its arguments, with no state of its own: threads read ahead, a
     * resumed run reads again, and both have to see the same pixels. So the random numbers start from the index, and
     * the graphics belong to the call.
     */
    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        SplittableRandom random = new SplittableRandom(index);
        double across = side * random.nextDouble(0.3, 0.7);
        double x = random.nextDouble(0, side - across);
        double y = random.nextDouble(0, side - across);
        Color color = Color.getHSBColor((float) random.nextDouble(), 0.7f, 1);

        BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setColor(color);
        g.fill(shape(label(index), x, y, across));
        g.dispose();

        // The draw is 0 for "as it is"; any other value asks for one of your random changes, chosen by its bits. Ours
        // mirrors.
        boolean mirror = (draw & 2) != 0;
        Images.toFloats(mirror ? Images.flip(image) : image, channels, chw, offset); // [-1, 1], channel by channel
    }

    private static Shape shape(int label, double x, double y, double across) {
        return switch (label) {
            case 0 -> new Ellipse2D.Double(x, y, across, across);
            case 1 -> new Rectangle2D.Double(x, y, across, across);
            default -> {
                Path2D triangle = new Path2D.Double();
                triangle.moveTo(x + across / 2, y);
                triangle.lineTo(x + across, y + across);
                triangle.lineTo(x, y + across);
                triangle.closePath();
                yield triangle;
            }
        };
    }

    /**
     * Says which pictures these are, so that no run is continued with others. Change the text when the drawing changes.
     */
    @Override
    public String fingerprint() {
        return "shapes 1, " + size + " of " + channels + " x " + side + " x " + side;
    }
}
