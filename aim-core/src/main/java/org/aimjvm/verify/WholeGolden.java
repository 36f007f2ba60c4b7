package org.aimjvm.verify;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.sample.GeneratedPicture;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;

/** Golden cases of sequence model and tokenizer together: label to picture, and picture to loss. */
final class WholeGolden {
    private WholeGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("labels")) {
            return;
        }
        checks.input("labels", ModelFolder.VQ_CONFIG);
        VqModel tokenizer;
        try (ModelFolder folder = ModelFolder.open(c.folder())) {
            tokenizer = folder.readTokenizer(backend);
        }
        AimModel generating = ModelGolden.load(c, checks, backend, PositionRule.SEQUENCE_INDEX);
        generation(c, checks, new Generator(generating, tokenizer), tokenizer);
        AimModel training = ModelGolden.load(c, checks, backend, PositionRule.PUBLISHED_TRAINING);
        training(c, checks, training, tokenizer);
    }

    private static void generation(GoldenCase c, GoldenChecks checks, Generator generator, VqModel tokenizer) {
        int[] labels = c.ints("labels");
        if ((int) c.setting("top_k", 1) != 1) {
            for (String array : c.present(List.of("tokens", "image", "image_u8"))) {
                checks.skip(array, "drawn at random, not greedily");
            }
            return;
        }
        List<GenerationRequest.Job> jobs = new ArrayList<>();
        for (int label : labels) {
            jobs.add(new GenerationRequest.Job(label, 0));
        }
        GenerationRequest request = new GenerationRequest(
                jobs, Guidance.constant((float) c.setting("cfg_scale", 1)), SamplingOptions.GREEDY, List.of(),
                labels.length);
        List<GeneratedPicture> pictures = generator.generate(request, GenerationListener.NONE);
        int tokens = generator.side() * generator.side();
        GeneratedPicture first = pictures.getFirst();
        int[] codes = new int[labels.length * tokens];
        float[] pixels = new float[labels.length * first.pixels().length];
        for (int i = 0; i < labels.length; i++) {
            System.arraycopy(pictures.get(i).codes(), 0, codes, i * tokens, tokens);
            System.arraycopy(pictures.get(i).pixels(), 0, pixels, i * first.pixels().length, first.pixels().length);
        }
        Shape shape = Shape.of(labels.length, first.channels(), first.height(), first.width());
        checks.ints("tokens", "tokens", Shape.of(labels.length, tokens), codes);
        checks.floats("image", "image", shape, pixels);
        rounded(c, checks, pixels, shape);
        if (c.has("tokens") && c.has("image")) { // the tokenizer on its own
            try (Scope _ = Scope.inference()) {
                Tensor stored = c.intTensor(tokenizer.backend(), "tokens").reshape(labels.length * tokens);
                Tensor decoded = tokenizer.decode(stored, labels.length, generator.side(), generator.side());
                checks.array("image", "image of the stored tokens", decoded);
            }
        }
    }

    /** 8-bit pictures, as an array and as PNG files. */
    private static void rounded(GoldenCase c, GoldenChecks checks, float[] pixels, Shape shape) {
        int channels = shape.dim(1);
        int height = shape.dim(2);
        int width = shape.dim(3);
        byte[] rgb = Images.toBytes(pixels, channels, height, width);
        int shown = c.has("image_u8") && c.shape("image_u8").dim(-1) == 1 ? 1 : 3; // gray as one channel or as three
        int[] unsigned = new int[rgb.length / 3 * shown];
        for (int i = 0; i < unsigned.length; i++) {
            unsigned[i] = rgb[i * 3 / shown] & 0xff;
        }
        checks.ints("image_u8", "image_u8", Shape.of(shape.dim(0), height, width, shown), unsigned);
        for (String file : c.files().keySet()) {
            int index = (int) GoldenCase.find(file, "^image(\\d+)\\.png$", -1);
            if (index >= 0 && index < shape.dim(0)) {
                checks.input(file);
                png(checks, file, c.files().get(file).path(),
                        Images.fromFloats(pixels, index, channels, height, width));
            }
        }
    }

    private static void png(GoldenChecks checks, String label, Path file, BufferedImage got) {
        BufferedImage expected;
        try {
            expected = Images.read(file);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read: " + e.getMessage(), e);
        }
        if (expected.getWidth() != got.getWidth() || expected.getHeight() != got.getHeight()) {
            checks.settle(label, Double.POSITIVE_INFINITY, "of another size");
            return;
        }
        int worst = 0;
        for (int i = 0; i < got.getWidth() * got.getHeight(); i++) {
            int a = got.getRGB(i % got.getWidth(), i / got.getWidth());
            int b = expected.getRGB(i % got.getWidth(), i / got.getWidth());
            for (int shift = 0; shift < 24; shift += 8) {
                worst = Math.max(worst, Math.abs((a >> shift & 0xff) - (b >> shift & 0xff)));
            }
        }
        checks.settle(label, worst, worst <= 1 ? null : "differs by " + worst + " of 255, expected at most 1");
    }

    private static void training(GoldenCase c, GoldenChecks checks, AimModel model, VqModel tokenizer) {
        if (!c.has("train_image")) {
            checks.absent("train_image");
            return;
        }
        checks.input("train_image");
        try (Scope _ = Scope.inference()) {
            Tensor image = c.tensor(model.backend(), "train_image");
            Tensor codes = tokenizer.encode(image);
            Tensor tokens = codes.reshape(image.dim(0), codes.size() / image.dim(0));
            checks.array("train_tokens", tokens);
            Tensor labels = c.intTensor(model.backend(), "labels");
            Tensor logits = model.forward(model.condition(labels), ModelGolden.inputs(tokens), null);
            checks.array("train_logits", logits);
            checks.array("train_loss", ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, tokens)));
        }
    }
}
