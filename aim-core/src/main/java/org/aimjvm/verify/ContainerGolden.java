package org.aimjvm.verify;

import java.nio.file.Path;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimModel;
import org.aimjvm.vq.VqModel;

/**
 * Golden data of checkpoint containers. Files called {@code variants*} hold each tensor T of the arrays {@code
 * expected_T};
 * the others hold tensors of the neighbour case {@code e2e}, under shorter names. All bit for bit.
 */
final class ContainerGolden {
    private static final String EXPECTED = "expected_";
    private static final String WRAPPER = "model.";
    private static final String MODEL = AimModel.NAME + ".";
    private static final String TOKENIZER = VqModel.NAME + ".";

    private ContainerGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        List<String> arrays = ModelGolden.startingWith(c, EXPECTED);
        Path whole = c.neighbour("e2e");
        for (String file : c.files().keySet()) {
            if (file.startsWith("variants")) {
                checks.input(file);
                variants(c, checks, file, arrays);
            } else if (whole == null) {
                checks.skip(file, "needs the weights of the case e2e, which is not beside it");
            } else {
                checks.input(file);
                partOfWhole(c, checks, file, whole);
            }
        }
    }

    private static void variants(GoldenCase c, GoldenChecks checks, String file, List<String> arrays) {
        try (TensorSource source = c.open(file)) {
            for (String array : arrays) {
                String tensor = array.substring(EXPECTED.length());
                String label = file + " " + tensor;
                checks.input(array);
                if (!source.contains(tensor)) {
                    checks.settle(label, Double.POSITIVE_INFINITY, "is missing");
                    continue;
                }
                DType expected = c.info(array).dtype();
                DType stored = source.info(tensor).dtype();
                if (expected != DType.F32 && stored != expected) { // narrow and wide floats are given as float32
                    checks.settle(label, Double.POSITIVE_INFINITY, "is " + stored + ", expected " + expected);
                }
                checks.exact(label, source.info(tensor).shape(), source.readFloats(tensor), c.npy(array));
            }
        }
    }

    private static void partOfWhole(GoldenCase c, GoldenChecks checks, String file, Path e2e) {
        int compared = 0;
        try (TensorSource source = c.open(file);
                TensorSource whole = Checkpoints.open(e2e.resolve("model.safetensors"))) {
            for (String name : source.names()) {
                String full = fullName(name, whole);
                if (full != null) {
                    compared++;
                    checks.exact(
                            file + " " + name, source.info(name).shape(), source.readFloats(name),
                            whole.info(full).shape(),
                            whole.readFloats(full));
                } else if (!name.startsWith("optimizer.")) {
                    checks.settle(file + " " + name, Double.POSITIVE_INFINITY, "is not in e2e");
                }
            }
        }
        if (compared == 0) {
            checks.settle(file, Double.POSITIVE_INFINITY, "holds no tensor of e2e");
        }
    }

    /** The name in the whole model's file; {@code null} if there is none. */
    private static String fullName(String name, TensorSource whole) {
        String bare = name.startsWith(WRAPPER) ? name.substring(WRAPPER.length()) : name;
        if (AimModel.OWN_HEAD.equals(MODEL + bare) && !whole.contains(AimModel.OWN_HEAD)) {
            return AimModel.WORD_EMBEDDING; // tied
        }
        for (String prefix : List.of("", MODEL, TOKENIZER)) {
            if (whole.contains(prefix + bare)) {
                return prefix + bare;
            }
        }
        return null;
    }
}
