package org.aimjvm.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TorchFiles;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Files of LPIPS in every form, and files of something else. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LpipsFilesTest {
    private static final Backend BACKEND = Backends.best();

    @TempDir static Path folder;

    private Path network;
    private Path heads;

    private static Map<String, TorchFiles.Values> network() {
        Params params = Params.shapesOnly();
        new Vgg16(params, Vgg16.WIDTH);
        Map<String, TorchFiles.Values> tensors = new LinkedHashMap<>();
        SplittableRandom random = new SplittableRandom(1);
        params.all().forEach((name, t) -> {
            float[] values = new float[t.size()];
            double bound = t.shape().rank() == 4 ? Math.sqrt(6.0 / (9 * t.dim(1))) : 0.1;
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextDouble(-bound, bound);
            }
            tensors.put(name, new TorchFiles.Values(t.shape(), values));
        });
        tensors.put("classifier.0.bias", new TorchFiles.Values(Shape.of(3), new float[3]));
        return tensors;
    }

    private static Map<String, TorchFiles.Values> heads(int first) {
        Map<String, TorchFiles.Values> tensors = new LinkedHashMap<>();
        int[] widths = {first, 128, 256, 512, 512};
        for (int k = 0; k < widths.length; k++) {
            float[] values = new float[widths[k]];
            Arrays.fill(values, 0.01f * (k + 1));
            tensors.put("lin" + k + ".model.1.weight", new TorchFiles.Values(Shape.of(1, widths[k], 1, 1), values));
        }
        return tensors;
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    @BeforeAll
    void files() throws IOException {
        network = file("vgg16.pth", TorchFiles.zip(network()));
        heads = file("vgg.pth", TorchFiles.legacy(heads(64), "cuda:0"));
    }

    private static float distance(Lpips lpips) {
        SplittableRandom random = new SplittableRandom(4);
        float[] a = new float[3 * 16 * 16];
        float[] b = new float[3 * 16 * 16];
        for (int i = 0; i < a.length; i++) {
            a[i] = (float) random.nextDouble(-1, 1);
            b[i] = (float) random.nextDouble(-1, 1);
        }
        try (Scope _ = Scope.inference()) {
            Shape shape = Shape.of(1, 3, 16, 16);
            return lpips.distance(Tensor.of(BACKEND, shape, a), Tensor.of(BACKEND, shape, b)).item();
        }
    }

    @Test
    void formsOfTheSameFilesGiveTheSameDistance() throws IOException {
        Lpips two = LpipsFiles.open(network, heads, BACKEND);
        float distance = distance(two);
        assertThat(distance).isGreaterThan(0);
        assertThat(two.identity()).startsWith("LPIPS, VGG16 ").contains(", heads ");
        Map<String, TorchFiles.Values> whole = new LinkedHashMap<>();
        int[] ends = {3, 8, 15, 22, 29};
        network().forEach((name, values) -> {
            if (name.startsWith("features.")) {
                int layer = Integer.parseInt(name.split("\\.")[1]);
                int slice = 1;
                while (layer > ends[slice - 1]) {
                    slice++;
                }
                whole.put("net.slice" + slice + "." + layer + name.substring(name.lastIndexOf('.')), values);
            }
        });
        whole.putAll(heads(64));
        whole.put("scaling_layer.shift", new TorchFiles.Values(Shape.of(1, 3, 1, 1), new float[3]));
        Path one = file("lpips.pth", TorchFiles.zip(whole));
        assertThat(distance(LpipsFiles.open(one, null, BACKEND))).isEqualTo(distance);
        SafeTensorsWriter safe = new SafeTensorsWriter();
        network().forEach((name, v) -> safe.floats(name, DType.F32, v.shape(), v::elements));
        Path safetensors = folder.resolve("vgg16.safetensors");
        safe.write(safetensors);
        assertThat(distance(LpipsFiles.open(safetensors, heads, BACKEND))).isCloseTo(distance, offset(0f));
    }

    @Test
    void otherFilesAreCalledWhatTheyAre() throws IOException {
        refused(heads, heads, "vgg.pth: heads of LPIPS without a network, expected torchvision's VGG16");
        refused(network, network, "vgg16.pth: a network without heads, expected the heads of LPIPS for VGG16");
        refused(network, null, "expected the heads of LPIPS for VGG16", "or a file of their own");
        refused(network, file("alex-heads.pth", TorchFiles.legacy(heads(32))), "heads of LPIPS for another network",
                "of [32, 128, 256, 512, 512] channels", "of [64, 128, 256, 512, 512] channels");
        Map<String, TorchFiles.Values> alex = new LinkedHashMap<>();
        alex.put("features.0.weight", new TorchFiles.Values(Shape.of(2, 3, 11, 11), new float[2 * 3 * 121]));
        refused(file("alexnet.pth", TorchFiles.zip(alex)), heads, "AlexNet");
        Map<String, TorchFiles.Values> deep = network();
        deep.put("features.34.weight", new TorchFiles.Values(Shape.of(1), new float[1]));
        refused(file("vgg19.pth", TorchFiles.zip(deep)), heads, "VGG19, expected torchvision's VGG16");
        Map<String, TorchFiles.Values> normed = network();
        normed.put("features.1.running_mean", new TorchFiles.Values(Shape.of(1), new float[1]));
        refused(file("vgg16_bn.pth", TorchFiles.zip(normed)), heads, "a VGG with batch normalisation");
        Map<String, TorchFiles.Values> resnet = new LinkedHashMap<>();
        resnet.put("layer1.0.conv1.weight", new TorchFiles.Values(Shape.of(1), new float[1]));
        refused(file("resnet.pth", TorchFiles.zip(resnet)), heads, "a ResNet");
        Map<String, TorchFiles.Values> small = network();
        small.keySet().removeIf(n -> n.startsWith("features.28"));
        refused(file("vgg13.pth", TorchFiles.zip(small)), heads, "no features.28.weight");
    }

    @Test
    void aCutFileIsRefused() throws IOException {
        byte[] bytes = Files.readAllBytes(heads);
        refused(network, file("cut.pth", Arrays.copyOf(bytes, bytes.length / 2)), "cut.pth");
    }

    private static void refused(Path network, Path heads, String... messages) {
        assertThatThrownBy(() -> LpipsFiles.open(network, heads, BACKEND)).isInstanceOf(CheckpointException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(messages));
    }
}
