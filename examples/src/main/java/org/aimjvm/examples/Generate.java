package org.aimjvm.examples;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aimjvm.AiM;
import org.aimjvm.GenerateOptions;
import org.aimjvm.Picture;
import org.aimjvm.io.Images;

/** Makes pictures of the embedded model: one, then several of each of two classes. Argument: the folder to write to. */
public final class Generate {
    private Generate() {}

    public static void main(String[] args) throws IOException {
        run(Path.of(args.length > 0 ? args[0] : "."));
    }

    /** Writes {@code sneaker.png} and {@code grid.png}. */
    static void run(Path folder) throws IOException {
        Files.createDirectories(folder);

        // The name of a model in a jar on the class path; a checkpoint folder of yours goes here just as well. Loading
        // takes the time, so a server loads once and keeps the model: it is safe for use by several threads.
        AiM aim = AiM.load("fashion");

        // The simplest call: a class by its name, everything else as the model's maker chose it.
        aim.generate("sneaker").save(folder.resolve("sneaker.png"));

        // Start from the model's own options: the right guidance differs from model to model. Picture i of a label has
        // seed 42 + i; how many are made side by side changes speed and memory, never a pixel.
        GenerateOptions options = aim.defaults().withCount(3).withSeed(42).withTopK(100).withBatchSize(6);
        List<Integer> labels = aim.labels("bag, ankle boot");

        // A list of all is right for a grid. For very many, generateEach hands over each picture as soon as it is
        // finished and keeps none.
        List<BufferedImage> images = new ArrayList<>();
        for (Picture picture : aim.generate(labels, options)) {
            System.out.println(picture.className() + ", seed " + picture.seed());
            images.add(picture.toImage());
        }
        Images.writePng(folder.resolve("grid.png"), Images.grid(images, options.count(), 2));

        // Any of them can be had again from label, seed and options alone: that is all there is to keep.
        Picture again = aim.generate(labels.getFirst(), options.withCount(1).withSeed(43)).getFirst();
        System.out.println("made again: " + again.className() + ", seed " + again.seed());
    }
}
