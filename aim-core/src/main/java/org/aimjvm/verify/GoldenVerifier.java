package org.aimjvm.verify;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.backend.Backend;
import org.aimjvm.io.CheckpointException;

/**
 * Compares this library with data computed by the original model. A case is a folder with a {@code README.json} that
 * describes arrays and their tolerances; the beginning of its {@code case} tells its kind, everything else
 * (sizes, layers,
 * lengths, configuration) is read from its files, so data of other sizes in the same format can be checked too.
 */
public final class GoldenVerifier {
    private static final Map<String, GoldenKind> KINDS = kinds();

    private GoldenVerifier() {}

    /** Kinds by the beginning of a case's name; the longest that fits counts. */
    private static Map<String, GoldenKind> kinds() {
        Map<String, GoldenKind> kinds = new LinkedHashMap<>();
        KernelGolden.addTo(kinds);
        kinds.put("ssd_", SsmGolden::ssd);
        kinds.put("causal_conv1d", SsmGolden::causalConv1d);
        kinds.put("selective_scan", SsmGolden::selectiveScan);
        kinds.put("mamba1_mixer", BlockGolden::mamba1);
        kinds.put("mamba2_mixer", BlockGolden::mamba2);
        kinds.put("vq_attn_block", BlockGolden::attentionBlock);
        kinds.put("vq_resnet_block", BlockGolden::residualBlock);
        kinds.put("optimizers", OptimizerGolden::check);
        kinds.put("quantizer", QuantizerGolden::check);
        kinds.put("autoencoder", TokenizerGolden::autoencoder);
        kinds.put("vq-", TokenizerGolden::check);
        kinds.put("e2e", WholeGolden::check);
        kinds.put("sampling", SamplingGolden::check);
        kinds.put("checkpoint-formats", ContainerGolden::check);
        kinds.put("mamba1", ModelGolden::check);
        kinds.put("mamba2", ModelGolden::check);
        kinds.put("adversarial", AdversarialGolden::losses);
        kinds.put("combined", AdversarialGolden::combined);
        kinds.put("lpips_head", PerceptualGolden::heads);
        kinds.put("lpips_vgg16", PerceptualGolden::whole);
        kinds.put("patchgan", AdversarialGolden::patch);
        return kinds;
    }

    /**
     * Checks every case in or below {@code dir}.
     *
     * @return one result per case, sorted by folder
     * @throws IllegalArgumentException if there is no case
     */
    public static List<CaseResult> verify(Path dir, Backend backend) {
        List<CaseResult> results = new ArrayList<>();
        for (Path folder : cases(dir)) {
            results.add(verifyCase(dir, folder, backend));
        }
        return results;
    }

    /**
     * Folders of the cases in or below {@code dir}, sorted.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static List<Path> cases(Path dir) {
        List<Path> folders;
        try (Stream<Path> walk = Files.walk(dir.toRealPath())) {
            folders = walk.filter(p -> p.endsWith(GoldenCase.README)).map(Path::getParent).sorted().toList();
        } catch (IOException e) {
            throw new IllegalArgumentException(dir + ": cannot be read, expected a folder of golden cases", e);
        } catch (UncheckedIOException e) {
            throw new IllegalArgumentException(dir + ": cannot be read, expected a folder of golden cases",
                    e.getCause());
        }
        if (folders.isEmpty()) {
            throw new IllegalArgumentException(
                    dir + ": no " + GoldenCase.README + " in or below it (expected a folder of golden cases)");
        }
        return folders;
    }

    /**
     * Checks one case.
     *
     * @param dir where the search for cases began; names are relative to it
     * @param folder one of {@link #cases}
     */
    public static CaseResult verifyCase(Path dir, Path folder, Backend backend) {
        String name = relativeName(dir, folder);
        GoldenCase c;
        try {
            c = GoldenCase.read(folder);
        } catch (CheckpointException | IllegalArgumentException e) {
            return new CaseResult(name, CaseResult.Status.FAIL, 0, List.of(), Double.POSITIVE_INFINITY, "",
                    e.getMessage());
        }
        GoldenChecks checks = new GoldenChecks(c);
        try {
            c.checkFiles();
            kind(c.name()).check(c, checks, backend);
            return checks.result(name);
        } catch (RuntimeException e) { // of any kind: a damaged case must not keep the others from being checked
            String message = e instanceof CheckpointException || e instanceof IllegalArgumentException ? e.getMessage()
                    : e.toString();
            return checks.broken(name, message);
        }
    }

    private static String relativeName(Path dir, Path folder) {
        try {
            String relative = dir.toRealPath().relativize(folder.toRealPath()).toString().replace('\\', '/');
            return relative.isEmpty() ? String.valueOf(folder.getFileName()) : relative;
        } catch (IOException e) {
            throw new IllegalArgumentException(folder + ": cannot be read, expected the folder of a case", e);
        }
    }

    private static GoldenKind kind(String name) {
        String best = "";
        for (String prefix : KINDS.keySet()) {
            if (name.startsWith(prefix) && prefix.length() > best.length()) {
                best = prefix;
            }
        }
        return best.isEmpty()
                ? (c, checks, backend) -> checks.otherwise("no check is known for cases called " + name)
                : KINDS.get(best);
    }
}
