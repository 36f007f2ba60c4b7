package org.aimjvm.data;

import java.awt.Dimension;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.aimjvm.backend.SplitMix64;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;

/**
 * A folder with a folder per class, each with PNG, JPEG, BMP, GIF or WebP files (in it or deeper). Classes and files
 * are in the order of their names; links are followed.
 *
 * <p>When the folder is opened, header, length and end of every file are checked ({@link org.aimjvm.io.PictureHeader}),
 * and files that are not whole pictures are left out and named. A file that passes and still cannot be decoded later is
 * replaced, always by the same other picture: the next one of its class that can be decoded, the first following the
 * last. {@link #replaced} names those.
 */
public final class ImageFolder implements PictureSource {
    private static final int NAMED = 10;

    private final Path root;
    private final PictureOptions options;
    private final FolderScan.Result found;
    private final NavigableMap<Integer, String> broken = new ConcurrentSkipListMap<>();

    private ImageFolder(Path root, PictureOptions options, FolderScan.Result found) {
        this.root = root;
        this.options = options;
        this.found = found;
    }

    /**
     * Lists the folder and checks every picture's header and end.
     *
     * @throws CheckpointException if it cannot be listed, holds no folder with pictures, a class has none, or the
     *     thread is interrupted
     */
    public static ImageFolder open(Path root, PictureOptions options) {
        return open(root, options, _ -> {});
    }

    /**
     * As {@link #open(Path, PictureOptions)}, for folders that take a while.
     *
     * @param progress told how many files are checked, by the calling thread
     */
    public static ImageFolder open(Path root, PictureOptions options, IntConsumer progress) {
        return new ImageFolder(root, options, new FolderScan(root, options, progress).run());
    }

    /**
     * Opens the pictures of a list that {@link #writeList} wrote, whatever else has come into the folder since.
     *
     * @param progress told how many files are checked, by the calling thread
     * @throws CheckpointException if the list is damaged or one of its pictures is not readable any more
     */
    public static ImageFolder reopen(Path root, PictureOptions options, Path list, IntConsumer progress) {
        return new ImageFolder(root, options, new FolderScan(root, options, progress).run(PictureList.read(list)));
    }

    /**
     * Writes which pictures there are, with their classes, and what was left out and why, as tab-separated text.
     *
     * @throws IOException if the file cannot be written
     */
    public void writeList(Path file) throws IOException {
        new PictureList(found.index(), found.leftOut()).write(file);
    }

    /** Files and folders that were left out when the folder was opened. */
    public List<LeftOut> leftOut() {
        return found.leftOut();
    }

    /** Pictures that could not be decoded until now, so that others of their class stood in. */
    public List<LeftOut> replaced() {
        return broken.entrySet().stream().map(e -> new LeftOut(found.index().path(e.getKey()), e.getValue())).toList();
    }

    /**
     * The data set in one line: "18 pictures of 3 classes: cat 6, dog 6, fish 6; 2 left out: ...", up to ten of each
     * named.
     *
     * @param list the file that names all, for the reader of the line, or null
     */
    public String summary(Path list) {
        List<String> classes = classNames();
        String names = IntStream.range(0, Math.min(NAMED, classes.size()))
                .mapToObj(label -> classes.get(label) + " " + found.index().count(label))
                .collect(Collectors.joining(", "));
        String line = count(size(), "picture", "pictures") + " of " + count(classes.size(), "class", "classes") + ": "
                + names + more(classes.size(), ", ");
        return leftOut().isEmpty() ? line : line + "; " + named(leftOut(), "left out", list);
    }

    /**
     * A line that counts files and names up to ten.
     *
     * @param what was done with them
     * @param list the file that names all, or null
     */
    public static String named(List<LeftOut> files, String what, Path list) {
        String names = files.stream().limit(NAMED).map(LeftOut::toString).collect(Collectors.joining("; "));
        return files.size() + " " + what + ": " + names + more(files.size(), "; ")
                + (list != null && files.size() > NAMED ? " (all in " + list + ")" : "");
    }

    /**
     * Names the classes of one picture, up to ten: "2 classes of one picture: cat, dog"; null if each has more.
     */
    public String singletonClasses() {
        List<String> classes = IntStream.range(0, classNames().size())
                .filter(label -> found.index().count(label) == 1)
                .mapToObj(classNames()::get)
                .toList();
        return classes.isEmpty() ? null
                : count(classes.size(), "class", "classes") + " of one picture: "
                        + String.join(", ", classes.subList(0, Math.min(NAMED, classes.size())))
                        + more(classes.size(), ", ");
    }

    private static String more(int count, String separator) {
        return count > NAMED ? separator + "and " + (count - NAMED) + " more" : "";
    }

    private static String count(int n, String one, String many) {
        return n + " " + (n == 1 ? one : many);
    }

    /** The file of picture {@code index}. */
    public Path file(int index) {
        return root.resolve(found.index().path(index));
    }

    @Override
    public int size() {
        return found.index().size();
    }

    @Override
    public int channels() {
        return options.fileChannels();
    }

    @Override
    public int height() {
        return options.fileSide();
    }

    @Override
    public int width() {
        return options.fileSide();
    }

    @Override
    public List<String> classNames() {
        return found.index().classNames();
    }

    @Override
    public int label(int index) {
        return found.index().label(index);
    }

    /** @throws CheckpointException if no picture of the class can be decoded */
    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        int label = label(index);
        int start = found.index().start(label);
        int count = found.index().count(label);
        for (int i = 0; i < count; i++) {
            int candidate = start + (index - start + i) % count;
            if (!broken.containsKey(candidate)) {
                Path file = file(candidate);
                try {
                    BufferedImage image = options.upright() ? Images.read(file) : Images.readAsStored(file);
                    Images.toFloats(cropped(image, draw), options.fileChannels(), chw, offset);
                    return;
                } catch (IOException e) {
                    broken.put(candidate, withoutName(file, e));
                }
            }
        }
        throw new CheckpointException(file(index), null, broken.get(index)
                + ", and no other picture of its class can be decoded, expected at least one");
    }

    /** Why a file cannot be read, without its name before it. */
    static String withoutName(Path file, IOException e) {
        String reason = ClassFolders.reason(e);
        String name = file + ": ";
        return reason.startsWith(name) ? reason.substring(name.length()) : reason;
    }

    /** The part that is wanted, after resizing; only that part is made. */
    private BufferedImage cropped(BufferedImage image, long draw) {
        BufferedImage crop = !options.admCrop() ? lanczosCrop(image, draw)
                : draw != 0 && options.randomCrop() ? admRandomCrop(image, draw)
                : Images.admCrop(image, options.fileSide());
        boolean flip = draw != 0 && options.flip() && Draws.unit(SplitMix64.mix(draw + 2)) < 0.5;
        return flip ? Images.flip(crop) : crop;
    }

    private BufferedImage lanczosCrop(BufferedImage image, long draw) {
        int side = options.fileSide();
        int width = Images.resizedSide(image.getWidth(), image.getHeight(), options.fileShort());
        int height = Images.resizedSide(image.getHeight(), image.getWidth(), options.fileShort());
        boolean anywhere = draw != 0 && options.randomCrop();
        int x = anywhere ? Draws.below(SplitMix64.mix(draw), width - side + 1) : (width - side) / 2;
        int y = anywhere ? Draws.below(SplitMix64.mix(draw + 1), height - side + 1) : (height - side) / 2;
        return Images.resizedPart(image, width, height, new Rectangle(x, y, side, side));
    }

    /** guided-diffusion's {@code random_crop_arr}, with numbers of our own. */
    private BufferedImage admRandomCrop(BufferedImage image, long draw) {
        int side = options.fileSide();
        int shortest = options.cropFraction().shortest(side);
        int choices = options.cropFraction().longest(side) - shortest + 1;
        int shortSide = shortest + Draws.below(SplitMix64.mix(draw + 3), choices);
        Dimension size = Images.admSize(image.getWidth(), image.getHeight(), shortSide);
        int x = Draws.below(SplitMix64.mix(draw), size.width - side + 1);
        int y = Draws.below(SplitMix64.mix(draw + 1), size.height - side + 1);
        return Images.admPart(image, shortSide, new Rectangle(x, y, side, side));
    }

    @Override
    public String fingerprint() {
        return found.fingerprint();
    }
}
