package org.aimjvm.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.aimjvm.backend.SplitMix64;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;
import org.aimjvm.io.PictureHeader;

/**
 * Goes through a folder once: header and end of each picture file, and a fingerprint of all that makes up the data set:
 * options, names, lengths, the first and the last 4096 bytes of every file, and the whole contents of up to
 * {@value #SAMPLE} longer ones (all where there are no more; else a fixed pseudo-random choice).
 */
final class FolderScan {
    private static final int BLOCK = 4096;
    private static final int SAMPLE = 1024;
    private static final int COVERED = 2 * 4096;
    private static final int BUFFER = 1 << 16;

    private final Path root;
    private final PictureOptions options;
    private final IntConsumer progress;
    private final List<LeftOut> leftOut = new ArrayList<>();
    private final Fingerprint print = new Fingerprint();
    private int done;

    /** What a scan found. */
    record Result(PictureIndex index, List<LeftOut> leftOut, String fingerprint) {}

    FolderScan(Path root, PictureOptions options, IntConsumer progress) {
        this.root = root;
        this.options = options;
        this.progress = progress;
        boolean adm = options.admCrop();
        print.add(options.fileSide(), options.fileShort(), options.fileChannels(), adm || options.randomCrop() ? 1 : 0,
                options.flip() ? 1 : 0, options.upright() ? 1 : 0);
        if (adm) { // else nothing is added, so that fingerprints of earlier runs stay
            print.add("adm crop");
        }
        if (adm && options.randomCrop()) {
            print.add(
                    Double.doubleToLongBits(options.cropFraction().least()),
                    Double.doubleToLongBits(options.cropFraction().most()));
        }
    }

    /** The pictures that are there now. */
    Result run() {
        PictureIndex.Builder index = new PictureIndex.Builder();
        ClassFolders folders = new ClassFolders(root, leftOut);
        List<Path> classes = folders.classes();
        if (classes.isEmpty()) {
            throw new CheckpointException(root, null,
                    "no folder in it, expected a folder per class with PNG, JPEG, BMP, GIF or WebP files");
        }
        int found = 0;
        for (Path folder : classes) {
            String name = folder.getFileName().toString();
            int before = leftOut.size();
            List<String> good = checked(name, folders.files(folder));
            if (!good.isEmpty()) {
                index.add(name, good);
                found++;
            } else if (options.skipEmptyClasses()) {
                leftOut.add(new LeftOut(name + "/", "no readable picture in it"));
            } else {
                throw emptyClass(folder, before);
            }
        }
        if (found == 0) {
            throw new CheckpointException(root, null, classes.size() + " folders without a readable picture,"
                    + " expected a folder per class with PNG, JPEG, BMP, GIF or WebP files");
        }
        return finished(index.build());
    }

    /**
     * The pictures of a list that was kept; each must still be what it was.
     *
     * @throws CheckpointException if one is not readable any more
     */
    Result run(PictureList list) {
        PictureIndex index = list.index();
        for (int label = 0; label < index.classNames().size(); label++) {
            String name = index.classNames().get(label);
            int start = index.start(label);
            List<String> files = IntStream.range(start, start + index.count(label))
                    .mapToObj(i -> index.path(i).substring(name.length() + 1)).toList();
            if (checked(name, files).size() != files.size()) {
                throw new CheckpointException(root.resolve(leftOut.getFirst().path()), null,
                        leftOut.getFirst().reason() + ", expected a whole picture, as when the run began");
            }
        }
        return new Result(index, list.leftOut(), finished(index).fingerprint());
    }

    private CheckpointException emptyClass(Path folder, int before) {
        int broken = leftOut.size() - before;
        String why = broken == 0
                ? "no PNG, JPEG, BMP, GIF or WebP files in it"
                : broken + " files, none of them readable, the first " + leftOut.get(before);
        return new CheckpointException(folder, null, why + "; expected a picture in each class's folder"
                + " (remove the folder, or skip empty classes: --skip-empty-classes)");
    }

    /** The names of the files that are whole pictures; others are left out. */
    private List<String> checked(String className, List<String> files) {
        long[] stamps = new long[files.size()];
        String[] reasons = new String[files.size()];
        for (int from = 0; from < files.size(); from += BLOCK) {
            int to = Math.min(files.size(), from + BLOCK);
            IntStream.range(from, to).parallel().forEach(i -> check(className, files.get(i), i, stamps, reasons));
            done += to - from;
            progress.accept(done);
        }
        print.add(className);
        List<String> good = new ArrayList<>();
        for (int i = 0; i < stamps.length; i++) {
            if (reasons[i] == null) {
                good.add(files.get(i));
                print.add(files.get(i)).add(stamps[i]);
            } else {
                leftOut.add(new LeftOut(className + "/" + files.get(i), reasons[i]));
            }
        }
        return good;
    }

    private void check(String className, String name, int i, long[] stamps, String[] reasons) {
        try {
            Path file = root.resolve(className).resolve(name);
            try {
                stamps[i] = stamp(file);
            } catch (IOException e) {
                requireNoInterrupt(file, e);
                reasons[i] = ImageFolder.withoutName(file, e);
            }
        } catch (InvalidPathException e) {
            reasons[i] = "its name cannot be used in this locale (set LC_ALL=C.UTF-8)";
        }
    }

    /** A picture that an interrupted thread could not read is not left out: nothing is known of it. */
    private static void requireNoInterrupt(Path file, IOException e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof ClosedByInterruptException) {
                throw new CheckpointException(
                        file, null, "the thread was interrupted, expected to read without an interrupt", e);
            }
        }
    }

    /** Length and checksum of the ends of a file that is a whole picture. */
    private long stamp(Path file) throws IOException {
        PictureHeader header = PictureHeader.read(file);
        if (!Images.canRead(header.format())) {
            throw new IOException("a " + header.format() + " file, and no reader for it is on the class path"
                    + " (com.twelvemonkeys.imageio:imageio-webp is one)");
        }
        long longer = Math.max(header.width(), header.height());
        if (options.fileShort() * longer / Math.min(header.width(), header.height()) > Integer.MAX_VALUE) {
            throw new IOException(header.width() + " x " + header.height() + " pixels, too thin to be enlarged");
        }
        if (options.decodeAll()) {
            Images.read(file);
        }
        return header.fileSize() << 32 | header.checksum() & 0xffffffffL;
    }

    private Result finished(PictureIndex index) {
        boolean all = index.size() <= SAMPLE;
        int count = all ? index.size() : SAMPLE;
        long[] sums = new long[count];
        IntStream.range(0, count).parallel()
                .forEach(i -> sums[i] = contents(index.path(all ? i : Draws.below(SplitMix64.mix(i), index.size()))));
        return new Result(index, List.copyOf(leftOut), print.add(sums).toString());
    }

    private long contents(String path) {
        Path file = root.resolve(path);
        try {
            if (Files.size(file) <= COVERED) {
                return 0;
            }
            CRC32C crc = new CRC32C();
            byte[] buffer = new byte[BUFFER];
            try (InputStream in = Files.newInputStream(file)) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    crc.update(buffer, 0, n);
                }
            }
            return crc.getValue();
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read: " + ClassFolders.reason(e), e);
        }
    }
}
