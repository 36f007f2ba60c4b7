package org.aimjvm.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.model.AimModel;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Scope;
import org.aimjvm.vq.VqModel;

/**
 * Codes of pictures with a sequence model's errors in them, for the decoder to be trained on (as RobusTok, arXiv
 * 2509.12474, and its code do): position by position in raster order, the picture's own code is taken with a
 * probability, and else one that the model draws after all codes taken so far, as in generation. The picture stays
 * recognisable and is what the decoder should make of them.
 *
 * <p>What is drawn for a row depends on seed, row, class and the picture, not on batches; a set that was cut short goes
 * on with what is there of it.
 */
public final class CodeRegenerator {
    /** Rows written at a time: what is lost when a set is cut short. */
    private static final int ROWS_PER_PART = 512;

    private static final int MAX_PARTS = 256;

    /**
     * How codes are mixed.
     *
     * @param forced probability of a picture's own code, 0 to 1
     * @param guidance classifier-free guidance of those that are drawn
     * @param sampling how they are drawn
     * @param seed of choices and draws
     */
    public record Options(double forced, Guidance guidance, SamplingOptions sampling, long seed) {
        public Options {
            Objects.requireNonNull(guidance, "guidance");
            Objects.requireNonNull(sampling, "sampling");
            if (!(forced >= 0 && forced <= 1)) {
                throw new IllegalArgumentException("forced: " + forced + " (expected 0 to 1)");
            }
        }
    }

    private final Generator generator;
    private final VqModel tokenizer;
    private final Options options;
    private final String weights;
    private final int[] labels;

    /**
     * @param weights identifies the sequence model, e.g. {@link org.aimjvm.checkpoint.ModelFolder#sha256}
     * @param labels the model's label for each label of the pictures. Not modified
     * @throws IllegalArgumentException if the two models do not fit each other, or a label is none of the model's
     */
    public CodeRegenerator(AimModel model, VqModel tokenizer, String weights, int[] labels, Options options) {
        this.generator = new Generator(model, tokenizer);
        this.tokenizer = tokenizer;
        this.options = options;
        this.weights = weights;
        this.labels = labels.clone();
        for (int label : labels) {
            if (label < 0 || label >= model.config().numClasses()) {
                throw new IllegalArgumentException(
                        "label: " + label + " (expected 0 to " + (model.config().numClasses() - 1) + ")");
            }
        }
    }

    /**
     * Writes a {@link TokenDataset} of one row per picture, under the pictures' labels; nothing if it is there already.
     *
     * @param folder where to put it, made or replaced when complete; until then what is done is beside it, in {@code
     *     NAME.parts}, and a call with the same pictures and settings goes on from there
     * @param batch pictures side by side; the codes do not depend on it
     * @param progress told how many rows are done; what it throws ends the work
     * @throws IllegalArgumentException if the pictures do not fit the models, before any work
     */
    public void regenerate(PictureSource pictures, Path folder, int batch, IntConsumer progress) {
        requireFit(pictures);
        TokenDatasetInfo info = info(pictures);
        int rows = pictures.size();
        if (isThere(folder, info, rows)) {
            progress.accept(rows);
            return;
        }
        int count = Math.min(MAX_PARTS, Math.ceilDiv(rows, ROWS_PER_PART));
        if (count == 1) {
            write(pictures, info, folder, Shard.ALL, batch, progress);
            return;
        }
        Path parts = folder.resolveSibling(folder.getFileName() + ".parts");
        List<Path> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Shard shard = new Shard(i, count);
            Path part = parts.resolve(String.format(Locale.ROOT, "%05d", i));
            if (!isPartThere(part, info, shard, rows)) {
                write(pictures, info, part, shard, batch, progress);
            }
            progress.accept(shard.to(rows));
            all.add(part);
        }
        TokenDatasetWriter.merge(all, folder);
        StagedFolder.delete(parts);
    }

    private void requireFit(PictureSource pictures) {
        int channels = tokenizer.config().inChannels();
        if (pictures.channels() != channels || pictures.height() != generator.pictureSize()
                || pictures.width() != generator.pictureSize()) {
            throw new IllegalArgumentException("pictures: " + pictures.channels() + " x " + pictures.height() + " x "
                    + pictures.width() + " (expected " + channels + " x " + generator.pictureSize() + " x "
                    + generator.pictureSize() + ", as the model makes)");
        }
        if (pictures.classNames().size() != labels.length) {
            throw new IllegalArgumentException("classes: " + pictures.classNames().size() + " (expected "
                    + labels.length + ", as there are labels)");
        }
    }

    private TokenDatasetInfo info(PictureSource pictures) {
        String source = new Fingerprint().add("regenerated").add(pictures.fingerprint()).add(weights).add(labels)
                .add(options.toString()).toString();
        return new TokenDatasetInfo(
                generator.side(), generator.side(), tokenizer.config().nEmbed(), pictures.classNames(), source,
                new CodeExtractor(tokenizer).tokenizerFingerprint());
    }

    private static boolean isThere(Path folder, TokenDatasetInfo info, int rows) {
        if (!Files.isDirectory(folder)) {
            return false;
        }
        try (TokenDataset set = TokenDataset.open(folder)) {
            return set.info().equals(info) && set.size() == rows;
        } catch (CheckpointException _) {
            return false; // damaged: written anew
        }
    }

    private static boolean isPartThere(Path folder, TokenDatasetInfo info, Shard shard, int rows) {
        if (!Files.isDirectory(folder)) {
            return false;
        }
        try (TokenDataset set = TokenDataset.openPart(folder)) {
            return set.info().equals(info) && set.part().shard().equals(shard) && set.part().count() == rows;
        } catch (CheckpointException _) {
            return false;
        }
    }

    private void write(
            PictureSource pictures, TokenDatasetInfo info, Path folder, Shard shard, int batch, IntConsumer progress) {
        int rows = pictures.size();
        int from = shard.from(rows);
        int last = info.length() - 1;
        int codesPerFile = Math.max(info.length(), TokenDatasetWriter.DEFAULT_CODES_PER_FILE);
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder, info, rows, codesPerFile, shard)) {
            List<GenerationRequest.Job> jobs = new ArrayList<>();
            for (int row = from; row < shard.to(rows); row += batch) {
                addJobs(jobs, pictures, row, Math.min(shard.to(rows), row + batch));
            }
            GenerationRequest request =
                    new GenerationRequest(jobs, options.guidance(), options.sampling(), List.of(), batch);
            int[][] drawn = generator.draw(request, new GenerationListener() {
                @Override
                public void onToken(int picture, int position, int token) {
                    if (position == last) {
                        progress.accept(from + picture + 1);
                    }
                }
            });
            for (int i = 0; i < drawn.length; i++) {
                writer.add(drawn[i], 0, pictures.label(from + i));
            }
            writer.finish();
        }
    }

    private void addJobs(List<GenerationRequest.Job> jobs, PictureSource pictures, int from, int to) {
        int length = generator.side() * generator.side();
        int[] indices = new int[to - from];
        for (int row = from; row < to; row++) {
            indices[row - from] = row;
        }
        int[] codes;
        try (Scope _ = Scope.inference()) {
            codes = tokenizer.encode(Pictures.batch(tokenizer.backend(), pictures, indices, new long[to - from]))
                    .toInts();
        }
        for (int row = from; row < to; row++) {
            int[] forced = new int[length];
            for (int t = 0; t < length; t++) {
                boolean own = Draws.uniform(options.seed(), Draws.Purpose.REGENERATE, row, t) < options.forced();
                forced[t] = own ? codes[(row - from) * length + t] : GenerationRequest.Job.DRAWN;
            }
            long seed = Draws.bits(options.seed(), Draws.Purpose.REGENERATE, row, length);
            jobs.add(new GenerationRequest.Job(labels[pictures.label(row)], seed, forced));
        }
    }
}
