package org.aimjvm.cli.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aimjvm.Picture;
import org.aimjvm.io.Images;
import org.aimjvm.io.StagedFolder;

/** A PNG file for each picture, named by label, class name and seed: {@code 7-sneaker-0.png}. */
public final class PngFolder implements PictureOutput {
    private static final int MAX_NAME = 60;

    private final Path folder;
    private final int zoom;
    private final StagedFolder staged;
    private final List<Path> files = new ArrayList<>();

    public PngFolder(Path folder, int zoom) {
        this.folder = folder;
        this.zoom = zoom;
        this.staged = StagedFolder.into(folder);
    }

    @Override
    public void add(Picture picture) throws IOException {
        String name = fileName(picture.label(), picture.className(), picture.seed());
        Images.writePng(staged.folder().resolve(name), GridPng.enlarged(picture.toImage(), zoom));
        files.add(folder.resolve(name));
    }

    /** The label makes it unique, whatever is left of the class name. */
    public static String fileName(int label, String className, long seed) {
        String name = className.replaceAll("[^\\p{L}\\p{N}]+", "-").replaceAll("^-|-$", "");
        String kept = name.length() > MAX_NAME ? name.substring(0, MAX_NAME) : name;
        boolean hasName = !kept.isEmpty() && !className.equals(Integer.toString(label));
        return label + "-" + (hasName ? kept + "-" : "") + seed + ".png";
    }

    @Override
    public List<Path> commit() {
        staged.commit();
        return files;
    }

    @Override
    public void close() {
        staged.close();
    }
}
