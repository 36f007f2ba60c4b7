package org.aimjvm.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.aimjvm.AiM;
import org.aimjvm.GenerateOptions;
import org.aimjvm.Picture;
import org.aimjvm.data.ArrayPictures;
import org.aimjvm.data.CodeCounts;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.NextCodeLoss;
import org.aimjvm.vq.VqModel;

/** The measures that {@code aim evaluate} takes of a model, apart from the judge's verdict. */
public final class Evaluation {
    private static final int BATCH = 100;

    private final AiM aim;

    public Evaluation(AiM aim) {
        this.aim = aim;
    }

    /** Generated pictures, {@code options.count()} of each class, label by label. */
    public ArrayPictures generate(GenerateOptions options, List<String> classNames, LongConsumer tokensDone) {
        List<Integer> labels = IntStream.range(0, aim.numClasses()).boxed().toList();
        GenerationListener listener = new GenerationListener() {
            private long done;

            @Override
            public void onToken(int picture, int position, int token) {
                tokensDone.accept(++done);
            }
        };
        List<Picture> pictures = aim.generate(labels, options, listener);
        Picture first = pictures.getFirst();
        int size = first.channels() * first.height() * first.width();
        float[] pixels = new float[pictures.size() * size];
        int[] numbers = new int[pictures.size()];
        for (int i = 0; i < pictures.size(); i++) {
            System.arraycopy(pictures.get(i).toFloats(), 0, pixels, i * size, size);
            numbers[i] = pictures.get(i).label();
        }
        clamp(pixels);
        return new ArrayPictures(first.channels(), first.height(), first.width(), classNames, numbers, pixels);
    }

    /** Reconstructions, and the codes they were made from. */
    public record Reconstructed(ArrayPictures pictures, int[] codes) {}

    /** Every picture through encoder, codebook and decoder. */
    public Reconstructed reconstruct(PictureSource source) {
        return reconstruct(aim.tokenizer(), source);
    }

    /** Every picture through a tokenizer; its sides are multiples of the tokenizer's pixels per code. */
    public static Reconstructed reconstruct(VqModel tokenizer, PictureSource source) {
        int size = source.pictureSize();
        int f = tokenizer.config().downsampling();
        int length = source.height() / f * (source.width() / f);
        float[] pixels = new float[source.size() * size];
        int[] codes = new int[source.size() * length];
        int[] labels = source.labels();
        try (Scope _ = Scope.inference()) {
            for (int from = 0; from < source.size(); from += BATCH) {
                int count = Math.min(BATCH, source.size() - from);
                int[] indices = IntStream.range(from, from + count).toArray();
                try (Scope _ = Scope.inference()) {
                    Tensor c = tokenizer.encode(
                            Pictures.batch(tokenizer.backend(), source, indices, new long[count]));
                    Tensor y = tokenizer.decode(c, count, source.height() / f, source.width() / f);
                    System.arraycopy(c.toInts(), 0, codes, from * length, count * length);
                    System.arraycopy(y.toFloats(), 0, pixels, from * size, count * size);
                }
            }
        }
        clamp(pixels);
        return new Reconstructed(
                new ArrayPictures(
                        source.channels(), source.height(), source.width(), source.classNames(), labels, pixels),
                codes);
    }

    /** Mean cross-entropy in nats per code of the sequence model on codes of labelled pictures. */
    public double loss(int[] codes, PictureSource source) {
        int length = aim.model().config().numTokens();
        try (Scope _ = Scope.inference()) {
            return NextCodeLoss.mean(
                    aim.model(),
                    (picture, out, offset) -> {
                        System.arraycopy(codes, picture * length, out, offset, length);
                        return source.label(picture);
                    },
                    source.size(),
                    BATCH);
        }
    }

    /** How the codebook is used, see {@link CodeCounts}. */
    public Map<String, Double> usage(int[] codes) {
        return usage(aim.tokenizer(), codes);
    }

    /** How a tokenizer's codebook is used, see {@link CodeCounts}. */
    public static Map<String, Double> usage(VqModel tokenizer, int[] codes) {
        CodeCounts counts = new CodeCounts(tokenizer.config().nEmbed());
        counts.add(codes);
        return counts.measures();
    }

    /** Indices of the first {@code count} pictures of each class, class by class. */
    public static List<Integer> firstOfEachClass(PictureSource source, int classes, int count) {
        List<Integer> indices = new ArrayList<>();
        for (int label = 0; label < classes; label++) {
            int wanted = label;
            IntStream.range(0, source.size())
                    .filter(i -> source.label(i) == wanted)
                    .limit(count)
                    .forEach(indices::add);
        }
        return indices;
    }

    private static void clamp(float[] pixels) {
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = Math.max(-1, Math.min(1, pixels[i]));
        }
    }
}
