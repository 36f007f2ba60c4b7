package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.cli.option.WeightType;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.Progress;
import org.aimjvm.command.StopSignal;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.QuantizedTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorInfo;
import org.aimjvm.io.TensorSource;
import org.aimjvm.io.TorchPickle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code aim convert}: a checkpoint as safetensors, tensor by tensor. Names stay; of tensors that share their elements
 * (a tied head) the alphabetically first is written and the others go to the metadata, as in the published files.
 */
@Command(
        name = "convert",
        description = "Rewrite a checkpoint (safetensors, or PyTorch's .pt and .bin) as safetensors, in another element type"
                + " if wanted.")
public final class ConvertCommand implements Callable<Integer>, Checkable {
    private static final String ENDING = ".safetensors";
    /** History of codes as floats; its numbers are too large for 16 bits, and no weights. */
    private static final String STATISTICS = "codebook_used";

    private static final List<String> CONFIGURATIONS =
            List.of(ModelFolder.CONFIG, ModelFolder.VQ_CONFIG, ModelInfo.FILE);

    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "IN", description = "File of weights, or model folder.") private Path in;

    @Parameters(
            index = "1",
            paramLabel = "OUT",
            description = "New .safetensors file, or new folder, which gets the configuration files too.") private Path out;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "Element type of floating-point tensors: f32, bf16 or f16 (default: each as it is; f64 becomes f32).") private WeightType dtype;

    @Option(
            names = "--weights",
            paramLabel = "FORMAT",
            description = "Format of the sequence model's weight matrices: f32, bf16, int8 or int4; the integers with scales beside"
                    + " them (default: each as it is). Needs a model with its config.json.") private WeightFormat weights;

    private final Console console;

    ConvertCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (dtype != null && weights != null) {
            throw new ParameterException(spec.commandLine(), "--dtype: " + dtype + " with --weights " + weights
                    + " (expected one of the two)");
        }
    }

    @Override
    public Integer call() throws IOException {
        check();
        boolean toFile = out.getFileName() != null && out.getFileName().toString().endsWith(ENDING);
        String ending = String.valueOf(out.getFileName()).toLowerCase(Locale.ROOT);
        if (ending.endsWith(".pt") || ending.endsWith(".bin") || ending.endsWith(".pth")) {
            throw new ParameterException(spec.commandLine(), "OUT: " + out + ", expected a file ending in " + ENDING
                    + " or a folder (PyTorch files are read, not written)");
        }
        if (toFile) {
            OutputPaths.requireNewFile(spec, "OUT", out);
        } else {
            OutputPaths.requireNewFolder(spec, "OUT", out);
        }
        return StopSignal.during(console, StopSignal.NOTHING, stop -> convert(toFile, stop));
    }

    private int convert(boolean toFile, StopSignal stop) throws IOException {
        Path file = ModelFolder.weights(in);
        Path target = toFile ? out : out.resolve("model" + ENDING);
        if (weights != null) {
            try (ModelFolder folder = ModelFolder.open(in)) {
                quantize(folder, target, stop);
            }
        } else {
            try (TensorSource source = Checkpoints.open(file)) {
                convert(source, target, stop);
            }
        }
        if (!toFile) {
            for (String name : CONFIGURATIONS) {
                Path configuration = file.resolveSibling(name);
                if (Files.exists(configuration)) {
                    OutputPaths.write(out.resolve(name), Files.readAllBytes(configuration));
                }
            }
        }
        console.out().println(out);
        return ExitCode.OK;
    }

    private void convert(TensorSource source, Path target, StopSignal stop) {
        Map<String, String> tied = source instanceof TorchPickle pickle ? pickle.tied() : Map.of();
        SafeTensorsWriter file = new SafeTensorsWriter().metadata("format", "pt").metadata(source.metadata())
                .metadata(tied);
        List<String> names = source.names().stream().filter(n -> !tied.containsKey(n)).toList();
        try (Progress progress = console.progress("convert", names.size(), "tensors").until(stop)) {
            for (String name : names) {
                add(file, source, source.info(name), progress);
            }
            file.write(target);
        }
    }

    /** All tensors under their published names, the weight matrices of the sequence model in the format asked for. */
    private void quantize(ModelFolder folder, Path target, StopSignal stop) {
        if (!folder.hasModel()) {
            throw new CheckpointException(in, null,
                    "no sequence model (expected one, whose weight matrices --weights " + weights + " can apply to)");
        }
        folder.check();
        TensorSource source = folder.tensors();
        Set<String> matrices = folder.matrices();
        SafeTensorsWriter file = new SafeTensorsWriter().metadata("format", "pt").metadata(source.metadata())
                .metadata(QuantizedTensors.METADATA, weights.toString());
        if (folder.config().tieEmbeddings()) {
            file.metadata(ModelWriter.TIED);
        }
        try (Progress progress = console.progress("convert", source.names().size(), "tensors").until(stop)) {
            for (String name : source.names()) {
                TensorInfo t = source.info(name);
                if (matrices.contains(name)) {
                    QuantizedTensors.add(file, name, t.shape(), weights, () -> {
                        stop.check();
                        return source.matrix(name);
                    });
                } else {
                    add(file, source, t, progress);
                }
            }
            file.write(target);
        }
    }

    private void add(SafeTensorsWriter file, TensorSource source, TensorInfo t, Progress progress) {
        if (dtype == null && source instanceof QuantizedTensors quantized && quantized.isQuantized(t.name())) {
            WeightFormat own = source.matrix(t.name()).format();
            QuantizedTensors.add(file, t.name(), t.shape(), own, () -> {
                progress.advance(1);
                return source.matrix(t.name());
            });
            return;
        }
        switch (t.dtype()) {
            case F64, F32, F16, BF16 -> {
                DType type = target(t);
                file.floats(t.name(), type, t.shape(), () -> {
                    progress.advance(1);
                    float[] values = source.readFloats(t.name());
                    if (type == DType.F16) {
                        requireF16(source, t, values);
                    }
                    return values;
                });
            }
            case I64 -> file.longs(t.name(), t.shape(), () -> {
                progress.advance(1);
                return source.readLongs(t.name());
            });
            case I32, I16, U16, I8, U8, BOOL -> file.ints(t.name(), t.dtype(), t.shape(), () -> {
                progress.advance(1);
                return source.readInts(t.name());
            });
        }
    }

    private DType target(TensorInfo t) {
        DType own = t.dtype() == DType.F64 ? DType.F32 : t.dtype();
        return dtype == null || t.name().endsWith(STATISTICS) ? own : dtype.dtype();
    }

    private static void requireF16(TensorSource source, TensorInfo t, float[] values) {
        for (float v : values) {
            if (Float.isFinite(v) && Float.isInfinite(Float.float16ToFloat(Float.floatToFloat16(v)))) {
                throw new CheckpointException(source.path(), t.name(),
                        "value " + v + " is too large for f16, expected at most 65504 (use --dtype bf16)");
            }
        }
    }
}
