package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Names;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.measure.Bench;
import org.aimjvm.measure.LimitMeter;
import org.aimjvm.measure.MeasuredLm;
import org.aimjvm.measure.StageOne;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimPresets;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim bench}: how fast the models run here, and what share of the machine's limits that is. */
@Command(
        name = "bench",
        description = {
            "Measure how fast the models run on this machine, with random weights made in memory.",
            "First what the machine can do at most: reading memory, reading and writing it, multiply-adds. Then each work for"
                    + " some seconds: medians, their spread, and their share of those limits, which are measured again around"
                    + " each work. Close other programs; results of a shared machine are lower bounds."
        },
        subcommands = {BenchGrowthCommand.class, BenchPlotCommand.class, BenchQualityCommand.class})
public final class BenchCommand implements Callable<Integer> {
    private static final int SIDE = 16;
    private static final int LIMIT_ROUNDS = 15;
    private static final int MAX_BATCH = 256;
    /** Of the largest heap that a model may be expected to fill. */
    private static final double USABLE = 0.95;

    /** What can be measured. */
    enum Work {
        LM_DECODE, LM_PREFILL, VQ_DECODE, VQ_ENCODE, GENERATE, TRAIN_STEP, VQ_TRAIN_STEP;

        @Override
        public String toString() {
            return Names.of(this);
        }

        /** Whether no sequence model is needed. */
        boolean isTokenizer() {
            return this == VQ_DECODE || this == VQ_ENCODE || this == VQ_TRAIN_STEP;
        }
    }

    /** With guidance, without, or one after the other. */
    enum Guided {
        ON, OFF, BOTH;

        @Override
        public String toString() {
            return Names.of(this);
        }

        boolean[] choices() {
            return this == BOTH ? new boolean[] {true, false} : new boolean[] {this == ON};
        }
    }

    @Spec private CommandSpec spec;

    @Mixin private ComputeOptions compute;

    @Option(
            names = "--preset",
            split = ",",
            defaultValue = "aim-b",
            paramLabel = "NAME",
            description = "Architecture: aim-b, aim-l, aim-xl or aim-1b; several with commas (default: ${DEFAULT-VALUE}).") private List<
                    String> presets;

    @Option(
            names = "--weights",
            split = ",",
            defaultValue = "f32",
            paramLabel = "FORMAT",
            description = "How the sequence model's weight matrices are held: f32, bf16, int8 or int4; several with commas (default:"
                    + " ${DEFAULT-VALUE}).") private List<WeightFormat> weights;

    @Option(
            names = "--states",
            split = ",",
            defaultValue = "f32",
            paramLabel = "FORMAT",
            description = "How the states of Mamba-2 are held from token to token: f32 or bf16; several with commas (default:"
                    + " ${DEFAULT-VALUE}).") private List<StateFormat> states;

    @Option(
            names = "--batch",
            split = ",",
            defaultValue = "1,8",
            paramLabel = "N",
            description = "Pictures side by side; several with commas (default: ${DEFAULT-VALUE}).") private List<
                    Integer> batches;

    @Option(
            names = "--guided",
            defaultValue = "both",
            paramLabel = "WHICH",
            description = "Decode with guidance, which takes two sequences a picture: on, off or both (default: ${DEFAULT-VALUE}).") private Guided guided;

    @Option(
            names = "--work",
            split = ",",
            defaultValue = "lm-decode,lm-prefill,vq-decode,vq-encode",
            paramLabel = "WORK",
            description = "What to measure: lm-decode, lm-prefill, vq-decode, vq-encode, generate (labels to pixels), train-step,"
                    + " vq-train-step (default: the first four).") private List<
                            Work> works;

    @Option(
            names = "--vq-batch",
            split = ",",
            defaultValue = "1",
            paramLabel = "N",
            description = "Pictures that the tokenizer takes at once; several with commas (default: ${DEFAULT-VALUE}).") private List<
                    Integer> vqBatches;

    @Option(
            names = "--train-batch",
            defaultValue = "4",
            paramLabel = "N",
            description = "Pictures of a training step (default: ${DEFAULT-VALUE}).") private int trainBatch;

    @Option(
            names = "--vq-preset",
            split = ",",
            defaultValue = "vq-f4-ch16",
            paramLabel = "NAME",
            description = "Tokenizer of vq-train-step: vq-f4-ch16 (64x64 pictures, 16 channels) or vq-f16 (256x256); several with"
                    + " commas (default: ${DEFAULT-VALUE}).") private List<String> vqPresets;

    @Option(
            names = "--losses",
            split = ",",
            defaultValue = "l2,random,lpips,adversarial,adaptive,all",
            paramLabel = "LOSSES",
            description = "Losses of vq-train-step, L2 in each: l2, random, features or lpips (perceptual, as 'aim train vq' has"
                    + " them), adversarial, adaptive (its weight), all (lpips and adaptive); several with commas (default:"
                    + " ${DEFAULT-VALUE}).") private List<
                            StageOne.Losses> losses;

    @Option(
            names = "--vq-train-batch",
            paramLabel = "N",
            description = "Pictures of a vq-train-step (default: 16, 1 for vq-f16).") private Integer vqTrainBatch;

    @Option(
            names = "--seconds",
            defaultValue = "4",
            paramLabel = "S",
            description = "Seconds to measure each work for, after half as many to warm up (default: ${DEFAULT-VALUE}).") private double seconds;

    @Option(names = "--json", paramLabel = "FILE", description = "Write all figures as a JSON list.") private Path json;

    private final Console console;

    BenchCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        Backend backend = compute.backend(console);
        check(backend);
        LimitMeter meter = new LimitMeter(backend, compute.threads());
        BenchReport report = new BenchReport(console, backend);
        meter.warmUp();
        report.limits(meter.rounds().take(LIMIT_ROUNDS).limits());
        Bench bench = new Bench(meter, seconds);
        for (String preset : presets) {
            for (WeightFormat format : weights) {
                sequenceModel(backend, bench, report, preset, format);
            }
        }
        tokenizer(backend, bench, report);
        stageOne(backend, bench, report);
        if (json != null) {
            report.write(json);
        }
        return ExitCode.OK;
    }

    private void check(Backend backend) {
        OptionChecks checks = new OptionChecks(spec).within("--seconds", seconds, 0.01, 3601)
                .atLeast("--train-batch", trainBatch, 1);
        if (vqTrainBatch != null) {
            checks.atLeast("--vq-train-batch", vqTrainBatch, 1);
        }
        for (String preset : vqPresets) {
            if (!StageOne.Preset.names().contains(preset)) {
                throw checks.usage("--vq-preset: " + preset + ", expected one of "
                        + String.join(", ", StageOne.Preset.names()));
            }
        }
        vqPresets = distinct(vqPresets);
        losses = distinct(losses);
        for (String preset : presets) {
            if (!AimPresets.names().contains(preset)) {
                throw checks.usage(
                        "--preset: " + preset + ", expected one of " + String.join(", ", AimPresets.names()));
            }
        }
        for (int batch : batches) {
            if (batch < 1 || batch > MAX_BATCH) {
                throw checks.usage("--batch: " + batch + " (expected 1 to " + MAX_BATCH + ")");
            }
        }
        for (int batch : vqBatches) {
            if (batch < 1 || batch > MAX_BATCH) {
                throw checks.usage("--vq-batch: " + batch + " (expected 1 to " + MAX_BATCH + ")");
            }
        }
        vqBatches = distinct(vqBatches);
        if (works.contains(Work.TRAIN_STEP) && !weights.contains(WeightFormat.F32)) {
            throw checks.usage("--weights: none is f32, expected f32 among them for train-step");
        }
        presets = distinct(presets);
        weights = distinct(weights);
        states = distinct(states);
        batches = distinct(batches);
        if (json != null && Files.isDirectory(json)) {
            throw checks.usage("--json: " + json + " is a folder, expected a file name");
        }
        if (backend.limits().isPresent()) {
            return; // a device says itself what does not fit, and the heap holds one matrix at a time
        }
        for (String preset : presets) { // all, before the first takes its time
            for (WeightFormat format : weights) {
                requireHeap(spec, preset + " in " + format + " with batch " + largestBatch(),
                        need(AimPresets.get(preset), format),
                        "another --preset, --weights in fewer bits or smaller batches");
            }
        }
    }

    private int largestBatch() {
        return batches.stream().mapToInt(Integer::intValue).max().orElseThrow();
    }

    /** Bytes of heap that the workloads asked for take at most. */
    private long need(AimConfig config, WeightFormat format) {
        long bytes = 0;
        if (works.contains(Work.LM_DECODE) || works.contains(Work.GENERATE)) {
            int sequences = guided == Guided.OFF ? largestBatch() : 2 * largestBatch();
            bytes = MeasuredLm.bytesToDecode(config, format, sequences, false);
        }
        if (works.contains(Work.LM_PREFILL)) {
            bytes = Math.max(bytes, MeasuredLm.bytesToDecode(config, format, largestBatch(), true));
        }
        if (works.contains(Work.TRAIN_STEP)) {
            bytes = Math.max(bytes, MeasuredLm.bytesToTrain(config, trainBatch));
        }
        return bytes;
    }

    /** @throws ParameterException if {@code what} takes more than the heap can grow to */
    static void requireHeap(CommandSpec spec, String what, long bytes, String cure) {
        long most = Runtime.getRuntime().maxMemory();
        if (bytes > USABLE * most) {
            throw new ParameterException(
                    spec.commandLine(), "heap: at most " + (most >> 20) + " MiB, expected about " + (bytes >> 20)
                            + " MiB for " + what + " (AIM_JAVA_OPTS=-Xmx with a larger size, " + cure + ")");
        }
    }

    private static <T> List<T> distinct(List<T> values) {
        return List.copyOf(new LinkedHashSet<>(values));
    }

    private void sequenceModel(Backend backend, Bench bench, BenchReport report, String preset, WeightFormat format)
            throws IOException {
        if (works.stream().allMatch(Work::isTokenizer)) {
            return;
        }
        AimConfig config = AimPresets.get(preset);
        report.building(preset, format.toString(), config, need(config, format));
        if (works.contains(Work.LM_DECODE) || works.contains(Work.LM_PREFILL) || works.contains(Work.GENERATE)) {
            MeasuredLm subject = MeasuredLm.random(backend, preset, config, format);
            for (StateFormat of : states) {
                generating(subject.withStates(of), bench, report);
            }
        }
        if (works.contains(Work.TRAIN_STEP) && format == WeightFormat.F32) {
            training(MeasuredLm.trainable(backend, preset, config), bench, report);
        }
    }

    private void generating(MeasuredLm subject, Bench bench, BenchReport report) {
        for (int batch : batches) {
            if (works.contains(Work.LM_DECODE)) {
                for (boolean g : guided.choices()) {
                    report.add(bench.decode(subject, batch, g));
                }
            }
            if (works.contains(Work.LM_PREFILL)) {
                report.add(bench.prefill(subject, batch));
            }
            if (works.contains(Work.GENERATE)) {
                VqModel tokenizer = new VqModel(Params.random(subject.model().backend(), 0), VqConfig.f16());
                for (boolean g : guided.choices()) {
                    report.add(bench.generate(subject, tokenizer, batch, g));
                }
            }
        }
    }

    private void training(MeasuredLm subject, Bench bench, BenchReport report) throws IOException {
        Path scratch = Files.createTempDirectory("aim-bench");
        try {
            report.add(bench.trainStep(subject, trainBatch, scratch.resolve("codes")));
        } finally {
            delete(scratch);
        }
    }

    private static void delete(Path folder) throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> all = Files.walk(folder)) {
            all.forEach(files::addFirst);
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }

    private void tokenizer(Backend backend, Bench bench, BenchReport report) {
        if (!works.contains(Work.VQ_DECODE) && !works.contains(Work.VQ_ENCODE)) {
            return;
        }
        VqModel model = new VqModel(Params.random(backend, 0), VqConfig.f16());
        for (int batch : vqBatches) {
            if (works.contains(Work.VQ_DECODE)) {
                report.add(bench.vqDecode(model, "vq-f16", SIDE, batch));
            }
            if (works.contains(Work.VQ_ENCODE)) {
                report.add(bench.vqEncode(model, "vq-f16", SIDE, batch));
            }
        }
    }

    private void stageOne(Backend backend, Bench bench, BenchReport report) {
        if (!works.contains(Work.VQ_TRAIN_STEP)) {
            return;
        }
        for (String name : vqPresets) {
            StageOne.Preset preset = StageOne.Preset.of(name);
            int batch = vqTrainBatch == null ? preset.batch() : vqTrainBatch;
            for (StageOne.Losses of : losses) {
                report.addStageOne(bench.vqTrainStep(backend, preset.with(of), batch));
            }
        }
    }
}
