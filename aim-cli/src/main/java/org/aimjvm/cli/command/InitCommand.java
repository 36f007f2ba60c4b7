package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.cli.option.WeightType;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.Progress;
import org.aimjvm.command.Recipes;
import org.aimjvm.command.StopSignal;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimPresets;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim init}: a model as it is before training. Tensors are made one at a time while the file is written. */
@Command(
        name = "init",
        description = "Write a full-size model with random weights, in the published layout, for tests and benchmarks.")
public final class InitCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--preset",
            required = true,
            paramLabel = "NAME",
            description = "Architecture: aim-b, aim-l, aim-xl, aim-1b, or a tokenizer alone: vq-f16, vq-f8.") private String preset;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "N",
            description = "Seed of the weights (default: ${DEFAULT-VALUE}).") private long seed;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "DIR",
            description = "New folder of the model.") private Path out;

    @Option(
            names = "--dtype",
            defaultValue = "f32",
            paramLabel = "TYPE",
            description = "Element type of the weights: f32, bf16 or f16 (default: ${DEFAULT-VALUE}).") private WeightType dtype;

    @Option(names = "--no-tokenizer", description = "Leave out the tokenizer VQ-f16.") private boolean noTokenizer;

    private final Console console;

    InitCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        boolean tokenizerOnly = VqConfig.presets().contains(preset);
        if (!tokenizerOnly && !AimPresets.names().contains(preset)) {
            throw usage("--preset: " + preset + ", expected one of " + String.join(", ", AimPresets.names()) + ", "
                    + String.join(", ", VqConfig.presets()));
        }
        if (tokenizerOnly && noTokenizer) {
            throw usage("--no-tokenizer: given with the tokenizer " + preset + ", expected with aim-* only");
        }
        OutputPaths.requireNewFolder(spec, "--out", out);
        AimConfig config = tokenizerOnly ? null : AimPresets.get(preset);
        VqConfig vqConfig = tokenizerOnly ? VqConfig.preset(preset) : noTokenizer ? null : VqConfig.f16();
        Params params = Params.listing(seed);
        if (config != null) {
            new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        }
        if (vqConfig != null) {
            new VqModel(params.sub(VqModel.NAME), vqConfig);
        }
        ModelInfo info = new ModelInfo(
                List.of(), PositionRule.SEQUENCE_INDEX, Guidance.PUBLISHED, SamplingOptions.PLAIN,
                Recipe.NONE.then(Recipes.stage(spec, "init", null, null)));
        return StopSignal.during(console, StopSignal.NOTHING, stop -> write(config, vqConfig, info, params, stop));
    }

    private int write(AimConfig config, VqConfig vqConfig, ModelInfo info, Params params, StopSignal stop) {
        try (Progress progress = console.progress("init", params.all().size(), "tensors").until(stop)) {
            SafeTensorsWriter file = new SafeTensorsWriter();
            params.all().forEach((name, t) -> file.floats(name, dtype.dtype(), t.shape(), () -> {
                progress.advance(1);
                return params.initialValues(name);
            }));
            ModelWriter.write(out, config, vqConfig, info, file);
        }
        console.out().println(out);
        return ExitCode.OK;
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
