package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.aimjvm.ModelFiles;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.FineTuning;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.VqConfigJson;
import org.aimjvm.checkpoint.WeightsCopy;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.io.TorchFiles;
import org.aimjvm.io.TorchFiles.Values;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.TorchAdam;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.vq.PatchDiscriminator;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqFreeze;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Beginning with a discriminator and with optimisers of an earlier training, of this library or LlamaGen's. */
class StartStateTest {
    private static final int STEPS = 7;
    private static final int DISC_WIDTH = 4;

    @TempDir Path dir;

    private final VqModel trained = TinyRuns.vqModel(Params.random(TinyRuns.BACKEND, 9));
    private final PatchDiscriminator discriminator = new PatchDiscriminator(
            Params.random(TinyRuns.BACKEND, 8), new PatchDiscriminator.Config(1, DISC_WIDTH, 1));

    /** The state of an optimiser in which every parameter has moments of its own. */
    private static Map<String, Object> adam(List<Shape> shapes, boolean oldSteps, float unlike) {
        Map<Integer, Object> state = new TreeMap<>();
        for (int i = 0; i < shapes.size(); i++) {
            Map<String, Object> one = new LinkedHashMap<>();
            int steps = STEPS + (i == 1 ? (int) unlike : 0);
            one.put("step", oldSteps ? (Object) steps : new Values(Shape.of(), new float[] {steps}));
            one.put("exp_avg", moment(shapes.get(i), i));
            one.put("exp_avg_sq", moment(shapes.get(i), i + 0.5f));
            state.put(i, one);
        }
        return Map.of("state", state, "param_groups", List.of(Map.of("lr", 1e-4, "params", List.of(0, 1))));
    }

    private static Values moment(Shape shape, float value) {
        float[] elements = new float[shape.size()];
        Arrays.fill(elements, value * 1e-3f);
        return new Values(shape, elements);
    }

    /** A module's state dict: weights in the order of the published module, which is another one than ours, buffers. */
    private static Map<String, Values> stateDict(Params params, String prefix, List<String> order) {
        Map<String, Values> all = new LinkedHashMap<>();
        for (String part : order) {
            params.all().forEach((name, t) -> {
                String bare = name.substring(prefix.length());
                if (bare.startsWith(part)) {
                    all.put(bare, new Values(t.shape(), t.toFloats()));
                }
            });
        }
        assertThat(all).hasSameSizeAs(params.all());
        return all;
    }

    private Map<String, Object> checkpoint(boolean oldSteps) {
        Map<String, Values> model = stateDict(
                trained.params(), "vqvae.", List.of("post_quant_conv", "decoder", "quantize", "encoder", "quant_conv"));
        Map<String, Values> judge = stateDict(discriminator.params(), "", List.of("main"));
        Map<String, Object> file = new LinkedHashMap<>();
        file.put("model", model);
        file.put("optimizer", adam(shapes(model, trained.params()), oldSteps, 0));
        file.put("discriminator", judge);
        file.put("optimizer_disc", adam(shapes(judge, discriminator.params()), oldSteps, 0));
        file.put("steps", STEPS);
        file.put("args", new TorchFiles.Namespace(Map.of("image_size", 8)));
        return file;
    }

    private static List<Shape> shapes(Map<String, Values> dict, Params params) {
        return names(dict, params).stream().map(name -> dict.get(name).shape()).toList();
    }

    /** Names of the parameters of a state dict in its order. */
    private static List<String> names(Map<String, Values> dict, Params params) {
        return dict.keySet().stream()
                .filter(n -> params.weights().containsKey(n) || params.weights().containsKey("vqvae." + n)).toList();
    }

    private ModelFolder open(Map<String, Object> file) {
        ModelFiles.bytes(dir.resolve("0000007.pt"), TorchFiles.nested(file));
        ModelFiles.text(dir.resolve("vq_config.json"), VqConfigJson.toJson(trained.config()));
        return ModelFolder.open(dir.resolve("0000007.pt").toString(), WeightsCopy.MODEL);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFileOfLlamaGensTrainerGivesDiscriminatorAndBothOptimizers(boolean oldSteps) {
        Map<String, Object> file = checkpoint(oldSteps);
        try (ModelFolder folder = open(file); StartState state = new StartState(folder)) {
            TensorSource judge = state.discriminator().orElseThrow();
            assertThat(judge.names()).containsExactlyInAnyOrderElementsOf(discriminator.params().all().keySet());
            TensorSource moments = state.optimizer().orElseThrow();
            assertThat(moments.metadata()).isEqualTo(Map.of("step", "7"));
            @SuppressWarnings("unchecked") Map<String, Values> model = (Map<String, Values>) file.get("model");
            List<String> order = names(model, trained.params());
            assertThat(moments.names()).hasSize(2 * order.size());
            for (int i = 0; i < order.size(); i++) {
                Shape shape = model.get(order.get(i)).shape();
                assertThat(moments.readFloats("exp_avg.vqvae." + order.get(i))).isEqualTo(moment(shape, i).elements());
                assertThat(moments.readFloats("exp_avg_sq.vqvae." + order.get(i)))
                        .isEqualTo(moment(shape, i + 0.5f).elements());
            }
            assertThat(state.discriminatorOptimizer().orElseThrow().names())
                    .hasSize(2 * discriminator.params().weights().size()).contains("exp_avg_sq.main.3.weight");
        }
    }

    private VqTrainer trainer(VqModel model, RunOptions run, Recorder recorder) {
        AdversarialOptions d = AdversarialOptions.of(1e-3);
        AdversarialOptions small = new AdversarialOptions(
                d.loss(), d.weight(), 0, 0, false, DISC_WIDTH, 1, d.optimizer(), 0, d.augment(), 0);
        VqOptions options =
                VqOptions.builder(TinyRuns.recipe(4, 4, 1, 3e-3)).adversarial(small).reviveAfter(0).build();
        return new VqTrainer(model, TinyRuns.squares(12), null, options, run, recorder);
    }

    private VqTrainer begun(ModelFolder folder, Params.Freeze freeze, RunOptions run, Recorder recorder) {
        VqModel model = FineTuning.tokenizer(folder, TinyRuns.BACKEND, folder.vqConfig(), freeze);
        VqTrainer trainer = trainer(model, run, recorder);
        try (StartState state = new StartState(folder)) {
            trainer.begin(VqTrainer.DISCRIMINATOR, state.discriminator().orElseThrow());
            trainer.beginOptimizer(VqTrainer.TOKENIZER, state.optimizer().orElseThrow());
            trainer.beginOptimizer(VqTrainer.DISCRIMINATOR, state.discriminatorOptimizer().orElseThrow());
        }
        return trainer;
    }

    @Test
    void aRunBegunSoIsContinuedBitwise() {
        Recorder whole = new Recorder();
        Recorder plain = new Recorder();
        RunOptions run = new RunOptions(dir.resolve("run"), 1, 9, 0, 0, 0);
        try (ModelFolder folder = open(checkpoint(false))) {
            begun(folder, new VqFreeze(List.of("encoder")), run, whole).run();
            trainer(FineTuning.tokenizer(folder, TinyRuns.BACKEND, folder.vqConfig(), Params.Freeze.NONE),
                    RunOptions.NONE, plain).run();
        }
        assertThat(whole.losses()).isNotEqualTo(plain.losses());
        Recorder rest = new Recorder();
        VqModel model = TinyRuns.vqModel(
                Params.random(TinyRuns.BACKEND, 1).freezing(new VqFreeze(List.of("encoder"))));
        VqTrainer resumed = trainer(model, RunOptions.NONE, rest);
        resumed.resume(run.folder().resolve("step-00000002"));
        assertThatThrownBy(() -> resumed.begin(VqTrainer.DISCRIMINATOR, null)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("after 2 steps");
        resumed.run();
        assertThat(rest.losses()).isEqualTo(whole.losses().subList(2, 4));
    }

    @Test
    void aCheckpointOfThisLibraryGivesTheSame() {
        RunOptions run = new RunOptions(dir.resolve("run"), 4, 1, 0, 0, 0);
        trainer(trained, run, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        try (ModelFolder folder = ModelFolder.open(checkpoint.toString(), WeightsCopy.MODEL)) {
            VqTrainer next = begun(folder, Params.Freeze.NONE, new RunOptions(dir.resolve("next"), 1, 9, 0, 0, 0),
                    new Recorder());
            next.run();
            VqTrainer again = trainer(TinyRuns.vqModel(TinyRuns.vqParams()), RunOptions.NONE, new Recorder());
            again.resume(dir.resolve("next/step-00000001")); // five steps of the optimisers, one of the run
            assertThat(again.step()).isEqualTo(1);
        }
    }

    @Test
    void weightsOfAPlayerWithAveragesAreItsAveragesToo() {
        VqModel model = TinyRuns.vqModel(TinyRuns.vqParams());
        VqTrainer trainer = trainer(model, RunOptions.NONE, new Recorder());
        Map<String, Values> other = new LinkedHashMap<>();
        model.params().all().forEach((name, t) -> other.put(name, moment(t.shape(), 3)));
        ModelFiles.safetensors(dir.resolve("other.safetensors"), other);
        try (TensorSource source = SafeTensors.open(dir.resolve("other.safetensors"))) {
            trainer.begin(VqTrainer.TOKENIZER, source);
        }
        trainer.withAverages(() -> {
            for (Tensor t : model.params().weights().values()) {
                assertThat(t.toFloats()).containsOnly(3e-3f);
            }
        });
    }

    @Test
    void whatDoesNotFitIsRefused() {
        Map<String, Object> file = checkpoint(false);
        try (ModelFolder folder = open(file); StartState state = new StartState(folder)) {
            AdversarialOptions d = AdversarialOptions.of(1e-3);
            AdversarialOptions wide = new AdversarialOptions(
                    d.loss(), d.weight(), 0, 0, false, 8, 1, d.optimizer(), 0, d.augment(), 0);
            VqOptions options = VqOptions.builder(TinyRuns.recipe(4, 4, 1, 3e-3)).adversarial(wide).build();
            VqTrainer trainer = new VqTrainer(
                    TinyRuns.vqModel(TinyRuns.vqParams()), TinyRuns.squares(12), null, options, RunOptions.NONE,
                    new Recorder());
            assertThatThrownBy(() -> trainer.begin(VqTrainer.DISCRIMINATOR, state.discriminator().orElseThrow()))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("discriminator: ").hasMessageContaining("main.0.weight (4, 1, 4, 4)");
            TensorSource swapped = state.discriminatorOptimizer().orElseThrow();
            assertThatThrownBy(() -> trainer.beginOptimizer(VqTrainer.TOKENIZER, swapped))
                    .isInstanceOf(CheckpointException.class).hasMessageContaining(": missing");
            assertThatThrownBy(() -> trainer.begin("generator", swapped)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("player: generator (expected one of tokenizer, discriminator)");
            assertThatThrownBy(() -> TorchAdam.moments(folder.file(), "optimizer", List.of("a")))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("state of parameter ").hasMessageContaining("expected 1 parameters");
            assertThatThrownBy(() -> TorchAdam.moments(folder.file(), "none", List.of("a")))
                    .hasMessageContaining("no state");
        }
        file.put("optimizer", adam(List.of(Shape.of(2), Shape.of(2)), false, 1));
        try (ModelFolder folder = open(file); StartState state = new StartState(folder)) {
            assertThatThrownBy(state::optimizer).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("after 7 and after 8 steps");
        }
        file.put("optimizer", Map.of("state", Map.of(0, Map.of("momentum_buffer", moment(Shape.of(2), 1)))));
        try (ModelFolder folder = open(file); StartState state = new StartState(folder)) {
            assertThatThrownBy(state::optimizer)
                    .hasMessageContaining("state.0.momentum_buffer (expected step, exp_avg");
        }
        Map<String, Object> groups = new LinkedHashMap<>(adam(List.of(Shape.of(2)), false, 0));
        groups.put("param_groups", List.of(Map.of("lr", 1.0), Map.of("lr", 2.0)));
        file.put("optimizer", groups);
        try (ModelFolder folder = open(file); StartState state = new StartState(folder)) {
            assertThatThrownBy(state::optimizer).hasMessageContaining("several groups of parameters");
        }
    }

    @Test
    void aModelAloneHoldsNothingOfThat() {
        try (ModelFolder folder = ModelFolder.open(ModelFiles.folder(dir.resolve("m"), ModelFiles.tensors()));
                StartState state = new StartState(folder)) {
            assertThat(state.discriminator()).isEmpty();
            assertThat(state.optimizer()).isEmpty();
            assertThat(state.discriminatorOptimizer()).isEmpty();
        }
    }

    @Test
    void theTrainersArgumentsAreTheConfigurationWhereThereIsNoOther() {
        Map<String, Object> file = checkpoint(false);
        Map<String, Object> args = new LinkedHashMap<>(Map.of("vq_model", "VQ-8", "codebook_size", 4096,
                "codebook_embed_dim", 16, "commit_loss_beta", 0.5, "entropy_loss_ratio", 0.25));
        file.put("args", new TorchFiles.Namespace(args));
        Path path = dir.resolve("alone/0000007.pt");
        ModelFiles.bytes(path, TorchFiles.nested(file));
        try (ModelFolder folder = ModelFolder.open(path)) {
            assertThat(folder.vqConfig()).isEqualTo(VqConfig.preset("vq-f8").toBuilder().nEmbed(4096).embedDim(16)
                    .commitBeta(0.5f).entropyLossRatio(0.25f).build());
        }
        for (Map.Entry<String, Object> wrong : Map.<String, Object>of(
                "vq_model", "VQ-4", "codebook_size", "many", "codebook_embed_dim", -1).entrySet()) {
            Map<String, Object> changed = new LinkedHashMap<>(args);
            changed.put(wrong.getKey(), wrong.getValue());
            file.put("args", new TorchFiles.Namespace(changed));
            ModelFiles.bytes(path, TorchFiles.nested(file));
            assertThatThrownBy(() -> ModelFolder.open(path)).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("args");
        }
    }
}
