package org.aimjvm.cli.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.aimjvm.AiM;
import org.aimjvm.LoadOptions;
import org.aimjvm.Picture;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.eval.Divergence;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimPresets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim bench quality}: what fewer bits of weights and states do to the distribution of the next code. */
@Command(
        name = "quality",
        description = "Measure how far the distribution of the next code moves when weights or states are held in fewer bits than F32:"
                + " the Kullback-Leibler divergence in nats over all positions of some pictures, for a model on its own pictures, or"
                + " for an architecture with random weights on random codes; and the normalised difference of the logits.")
final class BenchQualityCommand implements Callable<Integer> {
    private static final int MAX_COUNT = 10_000;

    @Spec private CommandSpec spec;

    @Mixin private ComputeOptions compute;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "Checkpoint folder, file of weights, or name of an embedded model (default: fashion).") private String model;

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            description = "Random weights of this architecture instead: aim-b, aim-l, aim-xl or aim-1b.") private String preset;

    @Option(
            names = "--weights",
            split = ",",
            defaultValue = "bf16,int8,int4",
            paramLabel = "FORMAT",
            description = "Formats compared with f32; several with commas (default: ${DEFAULT-VALUE}).") private List<
                    WeightFormat> formats;

    @Option(
            names = "--states",
            split = ",",
            defaultValue = "f32",
            paramLabel = "FORMAT",
            description = "Formats of the states, f32 or bf16, each with each of --weights; several with commas (default:"
                    + " ${DEFAULT-VALUE}). '--weights f32 --states bf16' shows what they do alone.") private List<
                            StateFormat> states;

    @Option(
            names = {"-n", "--count"},
            defaultValue = "10",
            paramLabel = "N",
            description = "Pictures, of one class after another (default: ${DEFAULT-VALUE}).") private int count;

    private final Console console;

    BenchQualityCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        if (count < 1 || count > MAX_COUNT) {
            throw new ParameterException(
                    spec.commandLine(), "--count: " + count + " (expected 1 to " + MAX_COUNT + ")");
        }
        if (model != null && preset != null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--preset: " + preset + " with --model " + model + " (expected one of the two)");
        }
        AimConfig config = preset == null ? null : ComputeOptions.checked(spec, () -> AimPresets.get(preset));
        Backend backend = compute.backend(console);
        String name = model == null ? "fashion" : model;
        LoadOptions load = LoadOptions.DEFAULT.withBackend(backend);
        AiM own = config == null ? AiM.load(name, load.withWeights(WeightFormat.F32)) : null;
        AimModel exact = own == null ? Divergence.random(backend, config, 0, WeightFormat.F32) : own.model();
        states.forEach(of -> ComputeOptions.checked(spec, () -> exact.withStates(of)));
        int classes = exact.config().numClasses();
        int[] labels = IntStream.range(0, count).map(i -> i % classes).toArray();
        int[][] codes = own == null ? random(exact.config()) : drawn(own, labels);
        console.out()
                .println(String.format(Locale.ROOT, "%-8s %-7s %12s %12s %12s %10s %10s", "weights", "states",
                        "mean KL", "max KL",
                        "logits", "same best", "positions"));
        for (WeightFormat format : formats) {
            AimModel rounded = own == null
                    ? Divergence.random(backend, config, 0, format)
                    : AiM.load(name, load.withWeights(format)).model();
            for (StateFormat of : states) {
                Divergence d = Divergence.of(exact, rounded.withStates(of), labels, codes);
                console.out()
                        .println(String.format(Locale.ROOT, "%-8s %-7s %12.3e %12.3e %12.3e %9.2f%% %10d", format, of,
                                d.mean(), d.max(), d.logits(), 100 * d.sameBest(), d.positions()));
            }
        }
        return ExitCode.OK;
    }

    private int[][] random(AimConfig config) {
        SplittableRandom random = new SplittableRandom(1);
        return IntStream.range(0, count)
                .mapToObj(i -> random.ints(config.numTokens(), 0, config.vocabSize()).toArray())
                .toArray(int[][]::new);
    }

    private static int[][] drawn(AiM aim, int[] labels) {
        List<int[]> codes = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            for (Picture p : aim.generate(labels[i], aim.defaults().withCount(1).withSeed(i))) {
                codes.add(p.codes());
            }
        }
        return codes.toArray(int[][]::new);
    }
}
