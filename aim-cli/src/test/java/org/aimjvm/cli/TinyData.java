package org.aimjvm.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.io.Images;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/** Pictures and models so small that commands on them take milliseconds. */
public final class TinyData {
    public static final int TRAIN = 30;
    public static final int TEST = 9;

    /** Options of a tokenizer for the IDX pictures. */
    public static final String VQ =
            "--size 8 --ch 4 --norm-groups 4 --ch-mult 1,2 --z-channels 4 --codebook 8 --embed-dim 4 --batch 6 --lr 3e-3"
                    + " --report-every 0 --revive-after 3";
    /** Options of a sequence model for their codes. */
    public static final String LM =
            "--d-model 16 --layers 1 --d-state 4 --head-dim 8 --batch 6 --lr 3e-3 --report-every 0";

    private TinyData() {}

    /** Writes IDX files: 8 x 8, three classes, a bright square at a place that depends on the class. */
    public static Path idx(Path folder) throws IOException {
        Files.createDirectories(folder);
        idx(folder, "train", TRAIN);
        idx(folder, "t10k", TEST);
        return folder;
    }

    private static void idx(Path folder, String part, int count) throws IOException {
        SplittableRandom random = new SplittableRandom(count);
        ByteBuffer images = ByteBuffer.allocate(16 + count * 64).putInt(0x803).putInt(count).putInt(8).putInt(8);
        ByteBuffer labels = ByteBuffer.allocate(8 + count).putInt(0x801).putInt(count);
        for (int i = 0; i < count; i++) {
            int left = i % 3 * 2;
            labels.put((byte) (i % 3));
            for (int p = 0; p < 64; p++) {
                boolean inside = p % 8 >= left && p % 8 < left + 3 && p / 8 >= 2 && p / 8 < 6;
                images.put((byte) ((inside ? 200 : 10) + random.nextInt(20)));
            }
        }
        Files.write(folder.resolve(part + "-images-idx3-ubyte"), images.array());
        Files.write(folder.resolve(part + "-labels-idx1-ubyte"), labels.array());
    }

    /** Writes a folder for each of two classes, with four PNG files each, of different sizes, and one broken file. */
    public static Path files(Path folder) throws IOException {
        for (int i = 0; i < 8; i++) {
            Images.writePng(folder.resolve(i % 2 == 0 ? "cat" : "dog").resolve("p" + i + ".png"), picture(10 + i, 9));
        }
        Files.writeString(folder.resolve("cat/broken.png"), "no picture");
        return folder;
    }

    /** A picture with a gradient. */
    public static BufferedImage picture(int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, 255 * x / width << 16 | 255 * y / height << 8 | 128);
            }
        }
        return image;
    }

    /** Configuration of {@link #model}'s sequence model. */
    static AimConfig config() {
        return AimConfigJson.parse("""
                {"d_model": 16, "n_layer": 2, "vocab_size": 8, "num_tokens": 16, "num_classes": 3, "adaln_group": true,
                 "num_groups": 1, "ssm_cfg": {"layer": "Mamba2", "d_state": 4, "headdim": 8}}""", Path.of("tiny"));
    }

    /** Writes a model with random weights, of 4 x 4 codes for colour pictures of 8 x 8. */
    public static Path model(Path folder) throws IOException {
        VqConfig vq = VqConfig.builder()
                .ch(4)
                .chMult(List.of(1, 2))
                .numResBlocks(1)
                .zChannels(4)
                .nEmbed(8)
                .embedDim(4)
                .normGroups(4)
                .build();
        Params params = Params.random(Backends.best(), 1);
        new AimModel(params.sub(AimModel.NAME), config(), PositionRule.SEQUENCE_INDEX);
        new VqModel(params.sub(VqModel.NAME), vq);
        Map<String, Tensor> tensors = new LinkedHashMap<>(params.all());
        ModelInfo info = new ModelInfo(
                List.of("a", "b", "c"), PositionRule.SEQUENCE_INDEX, Guidance.PUBLISHED, SamplingOptions.PLAIN,
                Recipe.text("made by a test"));
        ModelWriter.write(folder, config(), vq, info, tensors, DType.F32);
        return folder;
    }
}
