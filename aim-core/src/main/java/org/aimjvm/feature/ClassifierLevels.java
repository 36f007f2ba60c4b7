package org.aimjvm.feature;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import org.aimjvm.io.Sha256;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;

/** The convolutional activations of a {@link Classifier}, as levels of a perceptual distance. */
public final class ClassifierLevels implements FeatureLevels {
    private final Classifier classifier;

    private ClassifierLevels(Classifier classifier) {
        this.classifier = classifier;
    }

    /**
     * The distance of what a classifier sees in two pictures, all channels of a level weighing the same, see {@link
     * Lpips#uniform}.
     */
    public static Lpips distance(ClassifierFolder folder) {
        Classifier trained = folder.classifier();
        Classifier constant = new Classifier(Params.constants(trained.params()), trained.config());
        return Lpips.uniform(
                new ClassifierLevels(constant), trained.backend(),
                "classifier " + Sha256.ofBytes(elements(trained.params())).substring(0, 16));
    }

    private static byte[] elements(Params params) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        params.all().forEach((name, t) -> {
            ByteBuffer buffer = ByteBuffer.allocate(Float.BYTES * t.size());
            buffer.asFloatBuffer().put(t.toFloats());
            bytes.writeBytes(buffer.array());
        });
        return bytes.toByteArray();
    }

    @Override
    public List<Tensor> levels(Tensor pictures) {
        return classifier.levels(pictures);
    }

    @Override
    public List<Integer> widths() {
        int width = classifier.config().width();
        return List.of(width, 2 * width, 4 * width);
    }

    @Override
    public void requireFit(int channels, int height, int width) {
        ClassifierConfig c = classifier.config();
        if (channels != c.channels() || height != c.side() || width != c.side()) {
            throw new IllegalArgumentException("perceptual distance: pictures of " + channels + " x " + height + " x "
                    + width + " (expected " + c.channels() + " x " + c.side() + " x " + c.side()
                    + ", those of its classifier)");
        }
    }
}
