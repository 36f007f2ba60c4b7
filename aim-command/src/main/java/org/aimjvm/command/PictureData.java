package org.aimjvm.command;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.data.CropFraction;
import org.aimjvm.data.ImageFolder;
import org.aimjvm.data.LeftOut;
import org.aimjvm.data.PictureFolder;
import org.aimjvm.data.PictureOptions;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.TenCrops;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The pictures of a command and how they are read: IDX files, told by their names, or a folder per class; a
 * mixin.
 */
public final class PictureData {
    private static final int SIZE = 256;
    private static final int MAX_SIZE = 1 << 14;

    /** Files in a run's folder that list its pictures. */
    private static final String TRAIN_LIST = "pictures.tsv";
    private static final String VALIDATION_LIST = "validation-pictures.tsv";

    /** What an orientation tag does. */
    enum Exif {
        HONOUR, IGNORE
    }

    /** How a picture file becomes a square. */
    enum Augment {
        RESIZE_CROP, RANDOM_CROP, ADM_CENTER;

        /** As options say it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Value of {@link #channels} that stands for what the data have. */
    private static final String AUTO = "auto";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--data",
            required = true,
            paramLabel = "DIR",
            description = "Pictures to train on: a folder with IDX files (train-images-idx3-ubyte.gz and so on), or one with a "
                    + "folder of PNG, JPEG, BMP, GIF or WebP files for each class.") private Path data;

    @Option(
            names = "--val",
            paramLabel = "DIR",
            description = "Pictures to validate on, a folder of the same kind (default: the t10k-* files in --data, if there).") private Path val;

    @Option(
            names = "--size",
            paramLabel = "N",
            description = "Rows and columns of the pictures (default: 32 for IDX files, which get a black frame; else 256).") private Integer size;

    @Option(
            names = "--resize",
            paramLabel = "N",
            description = "Short side of a picture file before it is cropped to --size (default: an eighth more).") private Integer resize;

    @Option(
            names = "--channels",
            defaultValue = AUTO,
            paramLabel = "N",
            description = "1 (gray), 3 (colour), or auto: 1 for IDX files, else 3 (default: ${DEFAULT-VALUE}).") private String channels;

    @Option(
            names = "--center-crop",
            description = "Crop picture files in the middle, instead of anywhere.") private boolean centerCrop;

    @Option(
            names = "--augment",
            defaultValue = "resize-crop",
            paramLabel = "KIND",
            description = "How a picture file is cropped for training: resize-crop (--resize, then anywhere), random-crop (as "
                    + "ADM and LlamaGen: the short side is drawn too, see --crop-fraction) or adm-center (ADM's centre crop, which "
                    + "is also how the last two crop for validation) (default: ${DEFAULT-VALUE}).") private Augment augment;

    @Option(
            names = "--crop-fraction",
            split = ",",
            paramLabel = "R",
            description = "With --augment random-crop: the least and the most that --size is of the resized short side "
                    + "(default: 0.8,1).") private List<Double> cropFraction;

    @Option(names = "--flip", description = "Mirror half of the picture files, at random.") private boolean flip;

    @Option(
            names = "--class-names",
            split = ",",
            paramLabel = "NAME",
            description = "Class names by label for IDX files (default: those of Fashion-MNIST if it is that, else numbers).") private List<
                    String> classNames;

    @Option(
            names = "--exif",
            defaultValue = "honour",
            paramLabel = "RULE",
            description = "What the orientation tag of a camera does to a picture file: honour (turn the picture upright) or ignore "
                    + "(default: ${DEFAULT-VALUE}).") private Exif exif;

    @Option(
            names = "--skip-empty-classes",
            description = "Do without folders that hold no readable picture, instead of ending with an error; the labels "
                    + "count those that do.") private boolean skipEmptyClasses;

    @Option(
            names = "--check-pictures",
            description = "Decode every picture file before the run and leave out those that fail. Else headers and ends are "
                    + "checked, and a file that fails in the run is replaced by the next of its class.") private boolean checkPictures;

    private final Map<String, ImageFolder> opened = new LinkedHashMap<>();
    private Path run;
    private boolean resumed;

    /** Whether an option is one of these, which all commands that read pictures have. */
    public static boolean has(OptionSpec option) {
        return option.userObject() instanceof Field field && field.getDeclaringClass() == PictureData.class;
    }

    /** Complains about values that can be wrong without knowing the data. */
    public void check() {
        if (!List.of(AUTO, "1", "3").contains(channels)) {
            throw usage("--channels: " + channels + " (expected auto, 1 or 3)");
        }
        if (size != null && (size < 1 || size > MAX_SIZE)) {
            throw usage("--size: " + size + " (expected 1 to " + MAX_SIZE + ")");
        }
        if (resize != null && (resize < side() || resize > MAX_SIZE)) {
            throw usage("--resize: " + resize + " (expected --size " + side() + " to " + MAX_SIZE + ")");
        }
        if (augment != Augment.RESIZE_CROP && (resize != null || centerCrop)) {
            throw usage((resize != null ? "--resize" : "--center-crop") + ": given with --augment " + augment
                    + " (expected with --augment resize-crop only)");
        }
        checkCropFraction();
    }

    private void checkCropFraction() {
        if (cropFraction != null && augment != Augment.RANDOM_CROP) {
            throw usage("--crop-fraction: given with --augment " + augment + " (expected with --augment random-crop)");
        }
        if (cropFraction != null && cropFraction.size() != 2) {
            throw usage("--crop-fraction: " + cropFraction.size() + " numbers (expected two, such as 0.8,1)");
        }
        CropFraction fraction;
        try {
            fraction = cropFraction();
        } catch (IllegalArgumentException e) {
            throw usage("--crop-fraction: " + cropFraction.get(0) + "," + cropFraction.get(1)
                    + " (expected two numbers above 0, at most 1, the smaller first)");
        }
        if (augment == Augment.RANDOM_CROP && fraction.longest(side()) > MAX_SIZE) {
            throw usage(
                    "--crop-fraction: " + fraction.least() + " makes short sides of up to " + fraction.longest(side())
                            + " pixels (expected at most " + MAX_SIZE + ")");
        }
    }

    private CropFraction cropFraction() {
        return cropFraction == null ? CropFraction.DEFAULT : new CropFraction(cropFraction.get(0), cropFraction.get(1));
    }

    private int side() {
        return size == null ? SIZE : size;
    }

    /**
     * Has the lists of picture files kept in the folder of a run; before the pictures are opened.
     *
     * @param run the folder of the run, which need not be there yet
     * @param resumed whether the run goes on, and then with the pictures of its lists
     */
    public void keepIn(Path run, boolean resumed) {
        this.run = run;
        this.resumed = resumed;
    }

    /** The pictures to train on; says on standard error what a folder of picture files holds. */
    public PictureSource train(Console console) throws IOException {
        return open(data, TRAIN_LIST, console, UnaryOperator.identity());
    }

    /**
     * Ten views of each picture file to train on, cut from its ADM crop; says on standard error what the folder holds.
     *
     * @param range rows and columns of that crop per row of a view, at least 1
     */
    public TenCrops trainTenCrops(Console console, double range) throws IOException {
        if (PictureFolder.isIdx(data)) {
            throw usage("--crops: ten for IDX files (expected one: they are framed, not cropped)");
        }
        String given = croppingOption();
        if (given != null) {
            throw usage(given
                    + ": given with --crops ten (expected without: the ten crops are fixed; encode validation pictures"
                    + " apart, with --split test)");
        }
        int whole = TenCrops.wholeSide(side(), range);
        if (whole > MAX_SIZE) {
            throw usage("--crop-range: " + range + " makes pictures of " + whole + " rows (expected at most " + MAX_SIZE
                    + ")");
        }
        return new TenCrops(
                open(data, TRAIN_LIST, console, o -> o.withSide(whole).withAdmCrop(true).withRandomCrop(false)),
                side());
    }

    /** The pictures to validate on; null if there are none. */
    public PictureSource validation(Console console) throws IOException {
        if (val != null) {
            return open(val, VALIDATION_LIST, console, UnaryOperator.identity());
        }
        if (!PictureFolder.hasTest(data)) {
            return null;
        }
        requireFit(true);
        return ComputeOptions.checked(command, () -> PictureFolder.openTest(data, options(true)));
    }

    /** What recipes say of the pictures that were trained on. */
    public RecipeStage.Data facts(PictureSource train) {
        return new RecipeStage.Data(
                String.valueOf(data.getFileName()), train.fingerprint(), train.size(), train.classNames().size());
    }

    /** Writes the lists of the picture files that were opened into the folder of the run. */
    public void writeLists() throws IOException {
        for (Map.Entry<String, ImageFolder> e : opened.entrySet()) {
            e.getValue().writeList(run.resolve(e.getKey()));
        }
    }

    /**
     * Says on standard error which picture files could not be decoded, so that others stood in; nothing if all could.
     */
    public void reportReplaced(Console console) {
        for (ImageFolder folder : opened.values()) {
            List<LeftOut> replaced = folder.replaced();
            if (!replaced.isEmpty()) {
                console.err().println("aim: " + ImageFolder.named(
                        replaced, "could not be decoded, the next pictures of their classes stood in", null));
            }
        }
    }

    private PictureSource open(
            Path folder, String listName, Console console, UnaryOperator<PictureOptions> change) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw usage(folder + ": no such folder, expected one with IDX files or with a folder for each class"
                    + " (get some with 'aim data fashion-mnist')");
        }
        boolean idx = PictureFolder.isIdx(folder);
        requireFit(idx);
        PictureOptions options = change.apply(options(idx));
        Path list = run == null ? null : run.resolve(listName);
        PictureSource source;
        try (Progress progress = console.progress("open " + folder.getFileName(), -1, "files")) {
            source = list != null && resumed && !idx && Files.exists(list)
                    ? ImageFolder.reopen(folder, options, list, progress::to)
                    : ComputeOptions.checked(command, () -> PictureFolder.open(folder, options, progress::to));
        }
        if (source instanceof ImageFolder files) {
            opened.put(listName, files);
            console.err().println("aim: " + folder + ": " + files.summary(list));
            String singletons = listName.equals(TRAIN_LIST) ? files.singletonClasses() : null;
            if (singletons != null) {
                console.err().println("aim: warning: " + folder + ": " + singletons
                        + " (a model can only learn it by heart; add pictures, or leave the class out)");
            }
        }
        return source;
    }

    /** The first option given that says how picture files are cropped or mirrored for training; null if none is. */
    private String croppingOption() {
        if (augment != Augment.RESIZE_CROP) {
            return "--augment " + augment;
        }
        return resize != null ? "--resize" : centerCrop ? "--center-crop" : flip ? "--flip" : null;
    }

    private void requireFit(boolean idx) {
        if (idx && croppingOption() != null) {
            throw usage(croppingOption() + ": given for IDX files (expected with picture files only)");
        }
        if (idx && channels.equals("3")) {
            throw usage("--channels: 3 for IDX files (expected 1: they are gray)");
        }
        if (!idx && classNames != null) {
            throw usage("--class-names: given for picture files (expected with IDX files only: folders are the names)");
        }
    }

    private PictureOptions options(boolean idx) {
        PictureOptions options = PictureOptions.DEFAULT.withSide(size == null ? 0 : size)
                .withChannels(channels.equals(AUTO) ? 0 : Integer.parseInt(channels));
        return idx
                ? options.withClassNames(classNames == null ? List.of() : classNames)
                : options.withResizeShort(resize == null ? 0 : resize)
                        .withRandomCrop(!centerCrop && augment != Augment.ADM_CENTER)
                        .withAdmCrop(augment != Augment.RESIZE_CROP)
                        .withCropFraction(cropFraction())
                        .withFlip(flip)
                        .withUpright(exif == Exif.HONOUR)
                        .withSkipEmptyClasses(skipEmptyClasses)
                        .withDecodeAll(checkPictures);
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
