package org.aimjvm.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.aimjvm.backend.SplitMix64;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;

/**
 * A folder with a folder per class, each with PNG, JPEG, BMP or GIF files (in it or deeper). Classes and files are in the order
 * of their names. Every file is decoded once when the folder is opened; those that cannot be are left out and reported, so that
 * a damaged file does not end a run hours later.
 */
public final class ImageFolder implements PictureSource {
    private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg", "bmp", "gif");

    /**
     * A file that was left out.
     *
     * @param reason why it cannot be read
     */
    public record Broken(Path file, String reason) {}

    private record Picture(Path file, int label) {}

    private final ImageFolderOptions options;
    private final List<String> classNames;
    private final List<Picture> pictures;
    private final List<Broken> broken;
    private final String fingerprint;

    private ImageFolder(
            ImageFolderOptions options,
            List<String> classNames,
            List<Picture> pictures,
            List<Broken> broken,
            String fingerprint) {
        this.options = options;
        this.classNames = classNames;
        this.pictures = pictures;
        this.broken = broken;
        this.fingerprint = fingerprint;
    }

    /**
     * Lists the folder and decodes every picture once.
     *
     * @throws CheckpointException if it cannot be listed or holds no folder with pictures
     */
    public static ImageFolder open(Path root, ImageFolderOptions options) {
        List<String> classNames = new ArrayList<>();
        List<Picture> pictures = new ArrayList<>();
        List<Broken> broken = new ArrayList<>();
        Fingerprint print = new Fingerprint().add(options.toString());
        for (Path folder : children(root)) {
            int label = classNames.size();
            classNames.add(folder.getFileName().toString());
            print.add(classNames.getLast());
            for (Path file : files(folder)) {
                try {
                    print.add(folder.relativize(file).toString().replace('\\', '/')).add(Files.size(file));
                    Images.read(file);
                    pictures.add(new Picture(file, label));
                } catch (IOException e) {
                    broken.add(new Broken(file, e.getMessage()));
                }
            }
        }
        if (pictures.isEmpty()) {
            throw new CheckpointException(root, null,
                    broken.size() + " broken pictures and no good one, expected a folder per"
                            + " class with PNG, JPEG, BMP or GIF files");
        }
        return new ImageFolder(
                options, List.copyOf(classNames), List.copyOf(pictures), List.copyOf(broken), print.toString());
    }

    private static List<Path> children(Path root) {
        try (Stream<Path> all = Files.list(root)) {
            return all.filter(p -> Files.isDirectory(p) && !p.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new CheckpointException(root, null, "cannot be listed: " + e.getMessage(), e);
        }
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(p -> Files.isRegularFile(p) && isPicture(p.getFileName().toString()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be listed: " + e.getMessage(), e);
        }
    }

    private static boolean isPicture(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
    }

    /** Files that were left out, to be reported. */
    public List<Broken> broken() {
        return broken;
    }

    /** The file of picture {@code index}. */
    public Path file(int index) {
        return pictures.get(index).file();
    }

    @Override
    public int size() {
        return pictures.size();
    }

    @Override
    public int channels() {
        return options.channels();
    }

    @Override
    public int height() {
        return options.side();
    }

    @Override
    public int width() {
        return options.side();
    }

    @Override
    public List<String> classNames() {
        return classNames;
    }

    @Override
    public int label(int index) {
        return pictures.get(index).label();
    }

    /** @throws CheckpointException if the file can no longer be read */
    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        Path file = pictures.get(index).file();
        try {
            BufferedImage image = Images.resizeShortSide(Images.read(file), options.resizeShort());
            Images.toFloats(cropped(image, draw), options.channels(), chw, offset);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read any more: " + e.getMessage(), e);
        }
    }

    private BufferedImage cropped(BufferedImage image, long draw) {
        int side = options.side();
        BufferedImage crop;
        if (draw != 0 && options.randomCrop()) {
            int x = Draws.below(SplitMix64.mix(draw), image.getWidth() - side + 1);
            int y = Draws.below(SplitMix64.mix(draw + 1), image.getHeight() - side + 1);
            crop = Images.crop(image, x, y, side, side);
        } else {
            crop = Images.centerCrop(image, side, side);
        }
        boolean flip = draw != 0 && options.flip() && Draws.unit(SplitMix64.mix(draw + 2)) < 0.5;
        return flip ? Images.flip(crop) : crop;
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }
}
