package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimPresets;
import org.aimjvm.nn.AttentionConfig;

/**
 * How time and memory grow with the length of a picture and with the number of pictures side by side: AiM-B, and a transformer of
 * its width and depth of mixing, LlamaGen-B's shape, built from the same library's attention layers with a cache of keys and
 * values. Both are drawn by the same generator.
 */
public final class Growth {
    /** Positions whose median is one row. */
    static final int STRETCH = 64;

    private static final int D_MODEL = 768;
    private static final int TRANSFORMER_LAYERS = 12;
    private static final int HEADS = 12;
    private static final int MLP = 2048;

    /** A model that is compared. */
    public enum Model {
        AIM_B("AiM-B (Mamba-2)"), LLAMAGEN_B("LlamaGen-B (attention)");

        private final String title;

        Model(String title) {
            this.title = title;
        }

        /** For people. */
        public String title() {
            return title;
        }

        /** The architecture for pictures of {@code tokens} codes. */
        public AimConfig config(int tokens) {
            AimConfig aim = AimPresets.get("aim-b").withData(16384, tokens, 1000);
            return this == AIM_B
                    ? aim
                    : AimConfig.builder(D_MODEL)
                            .dIntermediate(MLP)
                            .nLayer(TRANSFORMER_LAYERS)
                            .vocabSize(aim.vocabSize())
                            .numClasses(aim.numClasses())
                            .numTokens(tokens)
                            .attention(AttentionConfig.of(D_MODEL, HEADS),
                                    IntStream.range(0, TRANSFORMER_LAYERS).boxed().toList())
                            .build();
        }
    }

    /**
     * One step's time in a stretch of positions, and what is remembered there.
     *
     * @param batch pictures side by side, one sequence each
     * @param position last of the stretch, from 1
     * @param seconds of a step, of all pictures
     * @param stateBytes states, keys and values of all pictures at that position
     */
    public record Row(Model model, int batch, int position, Spread seconds, long stateBytes) {}

    private Growth() {}

    /** Draws one whole picture. A row for each {@value #STRETCH} positions. */
    public static List<Row> overPositions(Backend backend, Model model, int tokens, double warmUp) {
        LmSubject subject = LmSubject.random(backend, model.title(), model.config(tokens), WeightFormat.F32);
        DecodeMeter meter = new DecodeMeter(subject, 1, false);
        meter.measure(warmUp);
        DecodeTimes times = meter.drawAll();
        List<Row> rows = new ArrayList<>();
        for (int from = 0; from < times.steps().size(); from += STRETCH) {
            int to = Math.min(times.steps().size(), from + STRETCH);
            double[] part = times.steps().subList(from, to).stream().mapToDouble(Double::doubleValue).toArray();
            int position = times.positions().get(to - 1);
            rows.add(new Row(model, 1, position, Spread.of(part), stateBytes(subject, 1, position)));
        }
        return rows;
    }

    /** Draws the first codes of {@code batch} pictures side by side, for {@code seconds}. */
    public static List<Row> overBatches(
            Backend backend, Model model, int tokens, List<Integer> batches, double seconds) {
        LmSubject subject = LmSubject.random(backend, model.title(), model.config(tokens), WeightFormat.F32);
        List<Row> rows = new ArrayList<>();
        for (int batch : batches) {
            DecodeMeter meter = new DecodeMeter(subject, batch, false);
            meter.draw(seconds / 2);
            DecodeTimes times = meter.draw(seconds);
            int last = times.positions().stream().mapToInt(Integer::intValue).max().orElseThrow();
            rows.add(new Row(model, batch, last, times.step(), stateBytes(subject, batch, tokens)));
        }
        return rows;
    }

    private static long stateBytes(LmSubject subject, int batch, int position) {
        LmCost cost = subject.cost();
        return batch * (cost.stateBytes() / 2 + cost.cacheBytesPerPosition() * position);
    }
}
