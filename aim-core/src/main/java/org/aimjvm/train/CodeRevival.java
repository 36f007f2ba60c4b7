package org.aimjvm.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.CodeUsage;
import org.aimjvm.data.Draws;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.AdamW;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;

/** Which codes of a codebook are used, and the revival of those that are not: they move to where pictures are. */
final class CodeRevival {
    private static final String LAST_USED = "last_used";
    private static final String AVERAGES = "uses_per_step";
    /** Of the averages: about 100 steps. */
    private static final float DECAY = 0.99f;
    /** What a moved code is given to begin with, in units of what it must not fall below. */
    private static final double RESTARTED = 2;

    private final Codebook codebook;
    private final String player;
    private final CodebookOptions options;
    private final boolean moves;
    private final long seed;
    private final CodeUsage usage;
    private final float[] averages; // uses per step of each code, in units of even use; empty: not counted
    /** Codes and compared latents of the step under way, pass by pass. */
    private final List<int[]> stepCodes = new ArrayList<>();

    private final List<float[]> stepLatents = new ArrayList<>();

    /**
     * @param player whose optimiser moves the codebook
     * @param options when a code moves, unless the codebook is frozen
     */
    CodeRevival(Codebook codebook, String player, CodebookOptions options, long seed) {
        this.codebook = codebook;
        this.player = player;
        this.options = options;
        this.moves = !codebook.isFrozen() && (options.reviveAfter() > 0 || options.restartBelow() > 0);
        this.seed = seed;
        this.usage = new CodeUsage(codebook.used().size(), codebook.weight().dim(0));
        this.averages = new float[options.restartBelow() > 0 ? codebook.weight().dim(0) : 0];
        Arrays.fill(averages, (float) (RESTARTED * options.restartBelow()));
    }

    /** Share of the codebook in the window of recent codes. */
    double usage() {
        return usage.usage();
    }

    /**
     * Notes what a pass chose.
     *
     * @param codes I32
     * @param latents before the codebook
     */
    void see(MicroBatch rows, Tensor codes, Tensor latents) {
        if (rows.pass() == 0) {
            stepCodes.clear();
            stepLatents.clear();
        }
        stepCodes.add(codes.toInts());
        if (moves) {
            stepLatents.add(codebook.comparedRows(latents.detach()).toFloats());
        }
    }

    /** Counts the codes of the step, of all workers, and revives those that no one has used for long. */
    void afterStep(AfterStep after) {
        int[] codes = after.gather("codes", stepCodes.stream().flatMapToInt(Arrays::stream).toArray());
        usage.add(after.step(), codes);
        average(codes);
        if (moves) {
            revive(after, after.gather("latents", joined(stepLatents)));
        }
    }

    private void average(int[] codes) {
        if (averages.length > 0) {
            int[] counts = new int[averages.length];
            for (int code : codes) {
                counts[code]++;
            }
            float even = (float) codes.length / counts.length;
            for (int code = 0; code < counts.length; code++) {
                averages[code] = DECAY * averages[code] + (1 - DECAY) * counts[code] / even;
            }
        }
    }

    private boolean isDead(int code, int step) {
        return averages.length > 0
                ? averages[code] < options.restartBelow()
                : usage.isDead(code, step, options.reviveAfter());
    }

    private static float[] joined(List<float[]> parts) {
        float[] all = new float[parts.stream().mapToInt(p -> p.length).sum()];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    /**
     * Moves every dead code onto a latent of the step's batch, drawn from (seed, step, code), and forgets its moments.
     *
     * @param latents of the whole batch, row by row
     */
    private void revive(AfterStep after, float[] latents) {
        Tensor weight = codebook.weight();
        AdamW optimizer = after.optimizers().get(player);
        int dim = weight.dim(1);
        int step = after.step();
        for (int code = 0; code < weight.dim(0); code++) {
            if (!isDead(code, step)) {
                continue;
            }
            int row = Draws.below(Draws.bits(seed, Draws.Purpose.REVIVE, step, code), latents.length / dim);
            int offset = code * dim;
            weight.backend().write(weight.storage(), offset, latents, row * dim, dim);
            optimizer.forget(codebook.weightName(), offset, dim);
            if (after.ema() != null) {
                after.ema().adopt(codebook.weightName(), offset, dim);
            }
            usage.revived(code, step);
            if (averages.length > 0) {
                averages[code] = (float) (RESTARTED * options.restartBelow());
            }
        }
    }

    /** Puts the window of recent codes into the tokenizer's buffer, to be written with it. */
    void fillBuffer() {
        codebook.used().write(usage.windowAsFloats());
    }

    void save(SafeTensorsWriter file) {
        int[] lastUsed = usage.lastUsed();
        file.ints(LAST_USED, DType.I32, Shape.of(lastUsed.length), () -> lastUsed);
        if (averages.length > 0) {
            float[] now = averages.clone();
            file.floats(AVERAGES, DType.F32, Shape.of(now.length), () -> now);
        }
    }

    /**
     * Restores what {@link #save} wrote; the window is in the tokenizer's buffer again.
     *
     * @throws CheckpointException if it cannot be what {@link #save} wrote
     */
    void load(TensorSource file) {
        Shape each = Shape.of(codebook.weight().dim(0));
        file.requireShape(LAST_USED, each);
        try {
            usage.restore(codebook.used().toFloats(), file.readInts(LAST_USED));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file.path(), LAST_USED, e.getMessage(), e);
        }
        if (averages.length > 0) {
            file.requireShape(AVERAGES, each);
            float[] saved = file.readFloats(AVERAGES);
            for (float uses : saved) {
                if (!(uses >= 0 && uses < Float.POSITIVE_INFINITY)) {
                    throw new CheckpointException(
                            file.path(), AVERAGES, "uses per step: " + uses + ", expected a finite number from 0");
                }
            }
            System.arraycopy(saved, 0, averages, 0, averages.length);
        }
    }
}
