package org.aimjvm.feature;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.Sha256;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;

/**
 * Reads {@link Lpips} from the files that people have, as they are: torchvision's VGG16 (PyTorch or safetensors, with or
 * without its classifier), the heads of the original ({@code vgg.pth}, 7,289 bytes) or of torch-fidelity ({@code
 * weights-vgg16-lpips.pth}), or one file with both.
 */
public final class LpipsFiles {
    private static final String NEEDED = "expected torchvision's VGG16, tensors features.0.weight to"
            + " features.28.bias (vgg16-397923af.pth has them)";
    private static final String NEEDED_HEADS = "expected the heads of LPIPS for VGG16, tensors lin0.model.1.weight to"
            + " lin4.model.1.weight (vgg.pth of 7,289 bytes has them)";
    /** How whole LPIPS modules call the network's layers. */
    private static final Pattern SLICED = Pattern.compile("(?:net\\.)?slice\\d\\.(\\d+)\\.(weight|bias)");
    /** Whole LPIPS modules may have each head a second time, as {@code lins.K.}, which is not taken. */
    private static final Pattern HEAD = Pattern.compile("lin\\d+\\..*");
    private static final List<Integer> VGG16_HEADS = List.of(64, 128, 256, 512, 512);
    private static final Map<List<Integer>, String> OTHER_HEADS = Map.of(
            List.of(64, 192, 384, 256, 256), "AlexNet",
            List.of(64, 128, 256, 384, 384, 512, 512), "SqueezeNet");

    private LpipsFiles() {}

    /**
     * Reads the distance.
     *
     * @param network file of VGG16
     * @param heads file of the heads; {@code null}: they are in {@code network} too
     * @throws CheckpointException if a file is damaged or of something else: says which file, what it is and what is
     *     needed
     */
    public static Lpips open(Path network, Path heads, Backend backend) {
        try (TensorSource file = renamed(Checkpoints.open(network))) {
            requireVgg16(file);
            TensorSource convolutions = file.select(name -> name.startsWith("features."));
            Params params = Params.from(backend, convolutions, p -> new Vgg16(p, Vgg16.WIDTH));
            new Vgg16(params, Vgg16.WIDTH);
            Vgg16 vgg = new Vgg16(Params.constants(params), Vgg16.WIDTH);
            String of = "VGG16 " + Sha256.ofFiles(List.of(network)).substring(0, 16);
            if (heads == null) {
                requireHeads(file, ", or a file of their own");
                return heads(vgg, file, backend, "LPIPS, " + of);
            }
            try (TensorSource second = Checkpoints.open(heads)) {
                requireHeads(second, "");
                return heads(
                        vgg, second, backend,
                        "LPIPS, " + of + ", heads " + Sha256.ofFiles(List.of(heads)).substring(0, 16));
            }
        }
    }

    private static Lpips heads(Vgg16 vgg, TensorSource file, Backend backend, String identity) {
        TensorSource heads = file.select(name -> HEAD.matcher(name).matches());
        return new Lpips(vgg, Params.from(backend, heads, p -> new Lpips(vgg, p, identity)), identity);
    }

    /** Layers under torchvision's names. */
    private static TensorSource renamed(TensorSource file) {
        return file.renamed(name -> {
            Matcher sliced = SLICED.matcher(name);
            return sliced.matches() ? "features." + sliced.group(1) + "." + sliced.group(2) : name;
        });
    }

    private static void requireVgg16(TensorSource file) {
        String is = otherNetwork(file);
        if (is != null) {
            throw new CheckpointException(file.path(), null, is + ", " + NEEDED);
        }
    }

    /** What a file is that is not VGG16; {@code null} if it may be. */
    private static String otherNetwork(TensorSource file) {
        Set<String> names = file.names();
        if (names.stream().anyMatch(n -> n.startsWith("layer1.") || n.startsWith("layer4."))) {
            return "a ResNet";
        }
        if (names.stream().noneMatch(n -> n.startsWith("features."))) {
            return names.stream().anyMatch(n -> n.startsWith("lin0."))
                    ? "heads of LPIPS without a network"
                    : "no convolutions of VGG16 (it has " + first(names) + ")";
        }
        if (names.contains("features.1.running_mean")) {
            return "a VGG with batch normalisation";
        }
        if (names.contains("features.34.weight") || names.contains("features.32.weight")) {
            return "VGG19";
        }
        if (names.stream().anyMatch(n -> n.contains(".squeeze."))) {
            return "SqueezeNet";
        }
        if (!names.contains("features.0.weight")) {
            return "no VGG (it has " + first(names) + ")";
        }
        if (!file.info("features.0.weight").shape().equals(Shape.of(64, 3, 3, 3))) {
            Shape shape = file.info("features.0.weight").shape();
            return (shape.rank() == 4 && shape.dim(2) == 11 ? "AlexNet" : "another network") + ", features.0.weight "
                    + shape;
        }
        return names.contains("features.28.weight") ? null : "a smaller VGG or a part of one (no features.28.weight)";
    }

    private static String first(Set<String> names) {
        List<String> some = new TreeSet<>(names).stream().limit(3).map(CheckpointException::shorten).toList();
        return some.isEmpty() ? "no tensors" : String.join(", ", some);
    }

    private static void requireHeads(TensorSource file, String or) {
        if (!file.contains("lin0.model.1.weight")) {
            throw new CheckpointException(
                    file.path(), null,
                    (file.names().stream().anyMatch(n -> n.startsWith("features.")) ? "a network without heads"
                            : "no heads (it has " + first(file.names()) + ")") + ", " + NEEDED_HEADS + or);
        }
        List<Integer> widths = headWidths(file);
        if (!widths.equals(VGG16_HEADS)) {
            throw new CheckpointException(
                    file.path(), null, "heads of LPIPS for " + OTHER_HEADS.getOrDefault(widths, "another network")
                            + ", of " + widths + " channels, " + NEEDED_HEADS + " of " + VGG16_HEADS + " channels");
        }
    }

    /** The elements of each head that the file has, up to the first that it lacks. */
    private static List<Integer> headWidths(TensorSource file) {
        List<Integer> widths = new ArrayList<>();
        String name = "lin0.model.1.weight";
        while (file.contains(name)) {
            widths.add(file.info(name).shape().size());
            name = "lin" + widths.size() + ".model.1.weight";
        }
        return widths;
    }
}
