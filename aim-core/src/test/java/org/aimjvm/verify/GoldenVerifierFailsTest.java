package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.Npy;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The verifier is only worth something if it fails when it should. */
class GoldenVerifierFailsTest {
    @TempDir private Path dir;

    private CaseResult verify() {
        return GoldenVerifier.verify(dir, GoldenData.scalar()).getFirst();
    }

    private void assertFails(String... parts) {
        CaseResult r = verify();
        assertThat(r.status()).as(r.toString()).isEqualTo(CaseResult.Status.FAIL);
        assertThat(r.message()).contains(parts);
    }

    /** Adds {@code by} to the element of greatest magnitude. */
    private static void perturb(Path file, double by) {
        Npy npy = Npy.read(file);
        if (npy.dtype() == DType.I64) {
            long[] values = npy.longs();
            values[values.length / 2] += 1;
            Npy.write(file, npy.shape(), values);
            return;
        }
        float[] values = npy.floats();
        int at = 0;
        for (int i = 0; i < values.length; i++) {
            at = Math.abs(values[i]) > Math.abs(values[at]) ? i : at;
        }
        values[at] += (float) by;
        Npy.write(file, npy.shape(), values);
    }

    private static void perturbTensor(Path file, String tensor, float by) {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        try (SafeTensors source = SafeTensors.open(file)) {
            writer.metadata(source.metadata());
            for (String name : source.names()) {
                float[] values = source.readFloats(name);
                if (name.equals(tensor)) {
                    values[values.length / 3] += by;
                }
                writer.floats(name, DType.F32, source.info(name).shape(), () -> values);
            }
        }
        writer.write(file);
    }

    private static void editReadme(Path folder, UnaryOperator<String> edit) throws IOException {
        Path readme = folder.resolve(GoldenCase.README);
        Files.writeString(readme, edit.apply(Files.readString(readme)));
    }

    @ParameterizedTest
    @CsvSource({
        "kernels/ssd_len7, y", "kernels/ssd_len7, final_state", "kernels/ssd_len7, grad_A_log", "kernels/ssd_len7, x",
        "kernels/conv2d_3x3_s2_asym, grad_weight", "kernels/conv2d_1x1, bias", "kernels/cross_entropy, loss",
        "kernels/selective_scan, grad_A", "kernels/causal_attention, grad_k", "kernels/pointwise, grad_softplus",
        "kernels/vq_nearest, indices", "kernels/mamba2_mixer_ngroups2, ssm_state_prefill",
        "kernels/mamba1_mixer, conv_state", "kernels/vq_attn_block, grad_x", "mamba1, logits", "mamba1, logits_null",
        "mamba1, logits_genpos", "mamba1, loss", "mamba1, grad_norm", "mamba1, act_layer1_residual",
        "mamba1, cfg_logits_1.5", "mamba1, state_layer1_ssm", "mamba1, greedy_tokens", "mamba1, adamw_losses",
        "mamba1, adamw_nodecay_clip1_losses", "mamba1, tokens",
        "vq-tiny, quant", "vq-tiny, indices", "vq-tiny, act_dec_blocks0_attn1", "vq-tiny, image", "e2e, tokens",
        "e2e, image",
        "e2e, train_tokens", "e2e, train_loss", "e2e, labels", "kernels/optimizers, adam_v", "kernels/optimizers, g2",
        "kernels/optimizers, clip_g1_out", "tokenizer-losses/quantizer, entropy_loss",
        "tokenizer-losses/quantizer, grad_straight_through_z", "sampling, probs_k5_p1.0", "sampling, logits_ties",
        "checkpoint-formats, expected_bf16", "checkpoint-formats, expected_i64"
    })
    void aPerturbedArrayFails(String name, String array) throws IOException {
        Path copy = GoldenData.copy(name, dir);
        assertThat(verify().status()).isEqualTo(CaseResult.Status.PASS);
        perturb(copy.resolve(array + ".npy"), 0.03);
        assertFails("expected");
    }

    @ParameterizedTest
    @CsvSource({
        "model.safetensors, mamba.backbone.layers.1.mixer.A_log, 0.1",
        "grads.safetensors, mamba.backbone.layers.0.mixer.dt_proj.bias, 0.01",
        "adamw_decay_step1.safetensors, mamba.backbone.norm_f.weight, 0.01",
        "adamw_nodecay_clip1_step3.safetensors, mamba.backbone.layers.0.mixer.in_proj.weight, 0.01"
    })
    void aPerturbedTensorFails(String file, String tensor, float by) throws IOException {
        Path copy = GoldenData.copy("mamba1", dir);
        perturbTensor(copy.resolve(file), tensor, by);
        assertFails("expected");
    }

    @ParameterizedTest
    @ValueSource(strings = {"y.npy", "u.npy", "weights.safetensors", "grads.safetensors"})
    void aMissingFileFails(String file) throws IOException {
        Path copy = GoldenData.copy("kernels/mamba2_mixer_ngroups1", dir);
        Files.delete(copy.resolve(file));
        assertFails(file, "no such file");
    }

    @Test
    void casesThatReferToAnotherFindIt() throws IOException {
        GoldenData.copy("tokenizer-losses/autoencoder", dir);
        CaseResult alone = verify();
        assertThat(alone.status()).isEqualTo(CaseResult.Status.SKIPPED);
        assertThat(alone.message()).contains("e2e");
        Path whole = GoldenData.copy("e2e", dir);
        Path case1 = dir.resolve("tokenizer-losses/autoencoder");
        CaseResult together = GoldenVerifier.verify(case1, GoldenData.scalar()).getFirst();
        assertThat(together.status()).as(together.toString()).isEqualTo(CaseResult.Status.PASS);
        perturbTensor(whole.resolve("model.safetensors"), "vqvae.decoder.mid.1.q.weight", 0.1f);
        assertThat(GoldenVerifier.verify(case1, GoldenData.scalar()).getFirst().status())
                .isEqualTo(CaseResult.Status.FAIL);
    }

    @Test
    void anotherPictureFails() throws IOException {
        Path copy = GoldenData.copy("e2e", dir);
        Files.copy(copy.resolve("image0.png"), copy.resolve("image1.png"), StandardCopyOption.REPLACE_EXISTING);
        assertFails("image1.png differs");
    }

    @Test
    void anArrayOfAnotherShapeThanDescribedFails() throws IOException {
        Path copy = GoldenData.copy("kernels/add_rmsnorm", dir);
        Npy npy = Npy.read(copy.resolve("y.npy"));
        Npy.write(copy.resolve("y.npy"), Shape.of(10, 16), npy.floats());
        assertFails("F32 (10, 16)", "describes F32 (2, 5, 16)");
    }

    @Test
    void anOutputOfAnotherShapeThanComputedFails() throws IOException {
        Path copy = GoldenData.copy("kernels/conv2d_3x3_s1", dir);
        Npy npy = Npy.read(copy.resolve("y.npy"));
        Npy.write(copy.resolve("y.npy"), Shape.of(2, 4, 6, 5), npy.floats());
        editReadme(copy, s -> s.replaceFirst("(?s)(\"y.npy\",\\s+\"shape\": \\[\\s+2,\\s+4,\\s+)5,(\\s+)6", "$16,$25"));
        assertFails("y shape (2, 4, 5, 6), expected (2, 4, 6, 5)");
    }

    @Test
    void notANumberFails() throws IOException {
        Path copy = GoldenData.copy("kernels/group_norm", dir);
        perturb(copy.resolve("y.npy"), Double.NaN);
        assertFails("NaN");
        assertThat(verify().worst()).isInfinite();
    }

    @Test
    void aTruncatedFileFails() throws IOException {
        Path copy = GoldenData.copy("mamba1", dir);
        byte[] bytes = Files.readAllBytes(copy.resolve("model.safetensors"));
        Files.write(copy.resolve("model.safetensors"), Arrays.copyOf(bytes, bytes.length / 2));
        assertFails("model.safetensors");
    }

    @Test
    void anotherConfigurationFails() throws IOException {
        Path copy = GoldenData.copy("mamba1", dir);
        Path config = copy.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"n_layer\": 2", "\"n_layer\": 3"));
        assertFails("layers.2", "missing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"case\": \"ssd_x\"}", "{\"case\": 1, \"arrays\": {}}",
        "{\"case\": \"ssd_x\", \"arrays\": {\"x\": {\"file\": \"../x.npy\", \"shape\": [1], \"dtype\": \"float32\"}}}"})
    void anUnreadableDescriptionFails(String text) throws IOException {
        Files.writeString(dir.resolve(GoldenCase.README), text);
        assertFails(GoldenCase.README);
    }

    @Test
    void anUnknownCaseIsSkippedWithTheReason() throws IOException {
        Path copy = GoldenData.copy("kernels/add_rmsnorm", dir);
        editReadme(copy, s -> s.replace("\"case\": \"add_rmsnorm\"", "\"case\": \"fused_mystery\""));
        CaseResult r = verify();
        assertThat(r.status()).isEqualTo(CaseResult.Status.SKIPPED);
        assertThat(r.checks()).isZero();
        assertThat(r.skipped()).hasSize(10);
        assertThat(r.message()).contains("fused_mystery");
    }

    @Test
    void anArrayThatTheCaseLacksCountsAsSkipped() throws IOException {
        Path copy = GoldenData.copy("kernels/cross_entropy", dir);
        editReadme(copy, s -> s.replaceFirst("(?s),\\s+\"grad_logits\": \\{.*?\\}", ""));
        CaseResult r = verify();
        assertThat(r.status()).as(r.toString()).isEqualTo(CaseResult.Status.PASS);
        assertThat(r.checks()).isEqualTo(1);
        assertThat(r.skipped()).extracting(CaseResult.Skip::what).containsExactly("grad_logits");
    }

    @Test
    void anArrayThatNothingComputesCountsAsSkipped() throws IOException {
        Path copy = GoldenData.copy("kernels/cross_entropy", dir);
        editReadme(copy, s -> s.replace("\"grad_logits\": {", "\"curvature\": {"));
        CaseResult r = verify();
        assertThat(r.status()).isEqualTo(CaseResult.Status.PASS);
        assertThat(r.skipped()).extracting(CaseResult.Skip::what).containsExactly("grad_logits", "curvature");
    }

    @Test
    void aCaseWithoutItsInputsIsSkipped() throws IOException {
        Path copy = GoldenData.copy("kernels/cross_entropy", dir);
        editReadme(copy, s -> s.replace("\"targets\": {", "\"labels\": {"));
        CaseResult r = verify();
        assertThat(r.status()).isEqualTo(CaseResult.Status.SKIPPED);
        assertThat(r.message()).contains("needs the array targets");
    }

    @Test
    void aFolderWithoutCasesIsAMistakeOfTheCaller() {
        assertThatThrownBy(() -> GoldenVerifier.verify(dir, GoldenData.scalar()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(GoldenCase.README);
        assertThatThrownBy(() -> GoldenVerifier.verify(dir.resolve("nowhere"), GoldenData.scalar()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nowhere");
    }
}
