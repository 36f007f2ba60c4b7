package org.aimjvm.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.CodeUsage;
import org.aimjvm.data.Draws;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.AdamW;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;

/** Which codes of a codebook are used, and the revival of those that are not: they move to where pictures are. */
final class CodeRevival {
    private static final String LAST_USED = "last_used";

    private final Codebook codebook;
    private final String player;
    private final int reviveAfter;
    private final long seed;
    private final CodeUsage usage;
    /** Codes and compared latents of the step under way, pass by pass. */
    private final List<int[]> stepCodes = new ArrayList<>();

    private final List<float[]> stepLatents = new ArrayList<>();

    /**
     * @param player whose optimiser moves the codebook
     * @param reviveAfter steps after which an unused code moves, 0 for never
     */
    CodeRevival(Codebook codebook, String player, int reviveAfter, long seed) {
        this.codebook = codebook;
        this.player = player;
        this.reviveAfter = reviveAfter;
        this.seed = seed;
        this.usage = new CodeUsage(codebook.used().size(), codebook.weight().dim(0));
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
        if (reviveAfter > 0) {
            stepLatents.add(codebook.comparedRows(latents.detach()).toFloats());
        }
    }

    /** Counts the codes of the step, of all workers, and revives those that no one has used for long. */
    void afterStep(AfterStep after) {
        int[] codes = after.gather("codes", stepCodes.stream().flatMapToInt(Arrays::stream).toArray());
        usage.add(after.step(), codes);
        if (reviveAfter > 0) {
            revive(after, after.gather("latents", joined(stepLatents)));
        }
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
            if (!usage.isDead(code, step, reviveAfter)) {
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
        }
    }

    /** Puts the window of recent codes into the tokenizer's buffer, to be written with it. */
    void fillBuffer() {
        codebook.used().write(usage.windowAsFloats());
    }

    void save(SafeTensorsWriter file) {
        int[] lastUsed = usage.lastUsed();
        file.ints(LAST_USED, DType.I32, Shape.of(lastUsed.length), () -> lastUsed);
    }

    /** Restores what {@link #save} wrote; the window is in the tokenizer's buffer again. */
    void load(TensorSource file) {
        usage.restore(codebook.used().toFloats(), file.readInts(LAST_USED));
    }
}
