package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.VqConfigJson;
import org.aimjvm.data.CodeUsage;
import org.aimjvm.data.Draws;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Split;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.Ema;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqModel;

/** Stage 1's part of the loop: batches of pictures, reconstruction and codebook losses, revival of unused codes. */
final class VqTask implements TrainTask {
    private static final String LAST_USED = "last_used";
    private static final String WINDOW = "codebook_used";

    private record Settings(String reconstruction, int reviveAfter, Object config) {}

    private final VqModel model;
    private final PictureSource train;
    private final PictureSource validation;
    private final VqOptions options;
    private final int[] validationOrder;
    private final String codebookName;
    private final Tensor window; // the buffer that checkpoints hold
    private final CodeUsage usage;
    /** Codes and compared latents of the step under way, pass by pass. */
    private final List<int[]> stepCodes = new ArrayList<>();

    private final List<float[]> stepLatents = new ArrayList<>();

    VqTask(VqModel model, PictureSource train, PictureSource validation, VqOptions options) {
        this.model = model;
        this.train = train;
        this.validation = validation;
        this.options = options;
        requireFit(train);
        if (validation != null) {
            requireFit(validation);
        }
        this.validationOrder =
                validation == null ? new int[0] : Split.order(validation.size(), options.recipe().seed());
        this.codebookName = nameOf(model.params().trainable(), model.codebook().weight());
        this.window = model.params().all().get(codebookName.replace("embedding.weight", WINDOW));
        this.usage = new CodeUsage(window.size(), model.config().nEmbed());
    }

    private void requireFit(PictureSource pictures) {
        int channels = model.config().inChannels();
        if (pictures.channels() != channels || model.config().outChannels() != channels) {
            throw new IllegalArgumentException("in_channels, out_channels: " + channels + ", "
                    + model.config().outChannels() + " (expected " + pictures.channels() + ", the pictures' channels)");
        }
        int f = model.config().downsampling();
        if (pictures.height() % f != 0 || pictures.width() % f != 0) {
            throw new IllegalArgumentException("pictures: " + pictures.height() + " x " + pictures.width()
                    + " (expected multiples of " + f + ", the tokenizer's pixels a code)");
        }
    }

    private static String nameOf(Map<String, Tensor> tensors, Tensor wanted) {
        for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
            if (e.getValue() == wanted) {
                return e.getKey();
            }
        }
        throw new IllegalArgumentException("params: without the model's codebook (expected those it was built on)");
    }

    @Override
    public String stage() {
        return "vq";
    }

    @Override
    public Object settings() {
        return new Settings(options.reconstruction().name(), options.reviveAfter(), model.config());
    }

    @Override
    public String data() {
        return train.fingerprint();
    }

    @Override
    public int size() {
        return train.size();
    }

    @Override
    public Map<String, Tensor> params() {
        return model.params().trainable();
    }

    @Override
    public Map<String, Tensor> tensors() {
        return model.params().all();
    }

    /** Terms of the loss; {@code usage}: share of the codebook in the window of recent codes. */
    @Override
    public List<String> partNames() {
        return model.config().entropyLossRatio() == 0
                ? List.of("reconstruction", "codebook", "commitment", "usage")
                : List.of("reconstruction", "codebook", "commitment", "entropy", "usage");
    }

    @Override
    public List<String> measureNames() {
        return List.of("psnr", "usage", "perplexity");
    }

    @Override
    public Loss loss(int step, int[] pictures, int firstRow) {
        if (firstRow == 0) {
            stepCodes.clear();
            stepLatents.clear();
        }
        long[] draws = new long[pictures.length];
        Arrays.setAll(draws, i -> draw(step, firstRow + i));
        Tensor x = Pictures.batch(model.backend(), train, pictures, draws);
        Tensor z = model.latents(x, Trace.OFF);
        Codebook.Quantized q = model.codebook().quantize(z);
        Tensor reconstruction = distance(model.decodeLatents(q.latents(), Trace.OFF), x);
        stepCodes.add(q.codes().toInts());
        if (options.reviveAfter() > 0) {
            stepLatents.add(model.codebook().comparedRows(z.detach()).toFloats());
        }
        Map<String, Double> parts = new LinkedHashMap<>();
        parts.put("reconstruction", (double) reconstruction.item());
        parts.put("codebook", (double) q.vqLoss().item());
        parts.put("commitment", (double) q.commitLoss().item());
        Tensor loss = ArithmeticOp.add(reconstruction, ArithmeticOp.add(q.vqLoss(), q.commitLoss()));
        if (q.entropyLoss() != null) {
            parts.put("entropy", (double) q.entropyLoss().item());
            loss = ArithmeticOp.add(loss, q.entropyLoss());
        }
        parts.put("usage", usage.usage());
        return new Loss(loss, parts);
    }

    /** Never 0, which would switch random crops and flips off. */
    private long draw(int step, int row) {
        return Draws.bits(options.recipe().seed(), Draws.Purpose.AUGMENT, step, row) | 1;
    }

    private Tensor distance(Tensor y, Tensor x) {
        Tensor difference = ArithmeticOp.sub(y, x);
        return ReduceOp.mean(
                options.reconstruction() == VqOptions.Reconstruction.L1
                        ? PointwiseOp.abs(difference)
                        : PointwiseOp.square(difference));
    }

    @Override
    public void afterStep(int step, AdamW optimizer, Ema ema) {
        stepCodes.forEach(codes -> usage.add(step, codes));
        if (options.reviveAfter() > 0) {
            revive(step, optimizer, ema);
        }
    }

    /** Moves every dead code onto a latent of the step's batch, drawn from (seed, step, code), and forgets its moments. */
    private void revive(int step, AdamW optimizer, Ema ema) {
        Tensor weight = model.codebook().weight();
        int dim = weight.dim(1);
        int total = stepLatents.stream().mapToInt(l -> l.length / dim).sum();
        for (int code = 0; code < weight.dim(0); code++) {
            if (!usage.isDead(code, step, options.reviveAfter())) {
                continue;
            }
            int row = Draws.below(Draws.bits(options.recipe().seed(), Draws.Purpose.REVIVE, step, code), total);
            int pass = 0;
            while (row >= stepLatents.get(pass).length / dim) {
                row -= stepLatents.get(pass++).length / dim;
            }
            int offset = code * dim;
            weight.backend().write(weight.storage(), offset, stepLatents.get(pass), row * dim, dim);
            optimizer.forget(codebookName, offset, dim);
            if (ema != null) {
                ema.adopt(codebookName, offset, dim);
            }
            usage.revived(code, step);
        }
    }

    /**
     * {@code psnr}: mean over pictures of 10 log10(4 / mean squared error), in dB, of reconstructions clamped to [-1, 1]; {@code
     * usage}: share of the codebook in the codes of these pictures; {@code perplexity}: e to the entropy of these codes.
     */
    @Override
    public Map<String, Double> validate(int most) {
        int count = Split.limit(validationOrder.length, most);
        if (count == 0) {
            return Map.of();
        }
        int batch = options.recipe().microBatch();
        long[] counts = new long[model.config().nEmbed()];
        double psnr = 0;
        for (int from = 0; from < count; from += batch) {
            int[] rows = Arrays.copyOfRange(validationOrder, from, Math.min(count, from + batch));
            try (Scope _ = Scope.inference()) {
                Tensor x = Pictures.batch(model.backend(), validation, rows, new long[rows.length]);
                Tensor codes = model.encode(x);
                int f = model.config().downsampling();
                Tensor y = model.decode(codes, rows.length, x.dim(2) / f, x.dim(3) / f);
                for (int code : codes.toInts()) {
                    counts[code]++;
                }
                float[] xs = x.toFloats();
                float[] ys = y.toFloats();
                int size = validation.pictureSize();
                for (int i = 0; i < rows.length; i++) {
                    psnr += Pictures.psnr(xs, ys, i * size, size);
                }
            }
        }
        Map<String, Double> measures = new LinkedHashMap<>();
        measures.put("psnr", psnr / count);
        measures.put("usage", (double) Arrays.stream(counts).filter(c -> c > 0).count() / counts.length);
        measures.put("perplexity", perplexity(counts));
        return measures;
    }

    private static double perplexity(long[] counts) {
        double total = Arrays.stream(counts).sum();
        double entropy = 0;
        for (long c : counts) {
            if (c > 0) {
                entropy -= c / total * Math.log(c / total);
            }
        }
        return Math.exp(entropy);
    }

    @Override
    public void writeModel(Path folder) {
        window.write(usage.windowAsFloats());
        ModelFiles.write(folder, model.params(), Map.of());
        ModelFiles.writeText(folder.resolve(RunFolder.VQ_CONFIG), VqConfigJson.toJson(model.config()));
    }

    @Override
    public boolean saveState(SafeTensorsWriter file) {
        int[] lastUsed = usage.lastUsed();
        file.ints(LAST_USED, DType.I32, Shape.of(lastUsed.length), () -> lastUsed);
        return true;
    }

    @Override
    public void loadState(TensorSource file) {
        usage.restore(window.toFloats(), file.readInts(LAST_USED));
    }
}
