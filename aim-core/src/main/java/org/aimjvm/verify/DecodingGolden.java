package org.aimjvm.verify;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntBiFunction;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.Conditioning;
import org.aimjvm.model.DecodeState;
import org.aimjvm.ssm.SsmState;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Golden data of recurrent decoding under guidance: logits with forced tokens, states, greedy tokens. */
final class DecodingGolden {
    private static final String CFG = "cfg_logits_";
    private static final double GREEDY_SCALE = 2;

    /** Logits (steps, 2 * batch, V) of the conditional and null halves, and the state afterwards. */
    private record Decoded(float[][] logits, DecodeState state) {}

    private DecodingGolden() {}

    /** Guided logits and states after decoding with the case's tokens. */
    static void forced(GoldenCase c, GoldenChecks checks, AimModel model) {
        List<String> guided = ModelGolden.startingWith(c, CFG);
        List<String> states = ModelGolden.startingWith(c, "state_layer");
        if (guided.isEmpty()) {
            checks.absent(CFG + "*");
        }
        if (states.isEmpty()) {
            checks.absent("state_layer*");
        }
        if (guided.isEmpty() && states.isEmpty()) {
            return;
        }
        int[] tokens = c.ints("tokens");
        int batch = c.shape("tokens").dim(0);
        int length = c.shape("tokens").dim(1);
        int vocab = model.config().vocabSize();
        Decoded d = decode(model, c.ints("labels"), length, (i, step) -> tokens[i * length + step]);
        for (String array : guided) {
            float scale = (float) GoldenCase.find(array, "^cfg_logits_([0-9.]+)$", Double.NaN);
            if (Float.isNaN(scale)) {
                checks.skip(array, "no guidance scale in its name");
                continue;
            }
            float[] logits = new float[batch * length * vocab];
            for (int step = 0; step < length; step++) {
                for (int i = 0; i < batch; i++) {
                    guide(d.logits[step], i, batch, vocab, scale, logits, (i * length + step) * vocab);
                }
            }
            checks.floats(array, array, Shape.of(batch, length, vocab), logits);
        }
        for (String array : states) {
            state(c, checks, array, d.state, batch);
        }
    }

    /** Tokens of greedy decoding under guidance. */
    static void greedy(GoldenCase c, GoldenChecks checks, AimModel model) {
        if (!c.has("greedy_tokens")) {
            checks.absent("greedy_tokens");
            return;
        }
        if (!c.has("greedy_labels")) {
            checks.skip("greedy_tokens", "needs the array greedy_labels, which the case lacks");
            return;
        }
        checks.input("greedy_labels");
        String meaning = c.info("greedy_labels").meaning() + " " + c.info("greedy_tokens").meaning();
        double scale = GoldenCase.find(meaning, "cfg_scale *= *([0-9.]*[0-9])", c.setting("cfg_scale", GREEDY_SCALE));
        int steps = c.shape("greedy_tokens").dim(1);
        int[] tokens = greedyTokens(model, c.ints("greedy_labels"), steps, (float) scale);
        checks.ints("greedy_tokens", "greedy_tokens", Shape.of(tokens.length / steps, steps), tokens);
    }

    private static void state(GoldenCase c, GoldenChecks checks, String array, DecodeState states, int batch) {
        int layer = (int) GoldenCase.find(array, "^state_layer(\\d+)_(?:conv|ssm)$", -1);
        if (layer < 0 || layer >= states.layers() || !(states.layer(layer) instanceof SsmState s)) {
            checks.skip(array, "no state-space layer of the model has that state");
            return;
        }
        Tensor t = array.endsWith("_conv") ? s.conv() : s.ssm();
        int[] dims = t.shape().toArray();
        dims[0] = batch;
        checks.floats(array, array, Shape.of(dims), Sequences.firstRows(t, batch));
    }

    /** {@code uncond + (cond - uncond) scale} of sequence {@code i}, written to {@code out} from {@code at} on. */
    private static void guide(float[] both, int i, int batch, int vocab, float scale, float[] out, int at) {
        for (int v = 0; v < vocab; v++) {
            float cond = both[i * vocab + v];
            float uncond = both[(batch + i) * vocab + v];
            out[at + v] = uncond + (cond - uncond) * scale;
        }
    }

    /** Tokens (batch, steps) of greedy decoding. */
    private static int[] greedyTokens(AimModel model, int[] labels, int steps, float scale) {
        int batch = labels.length;
        int vocab = model.config().vocabSize();
        int[] tokens = new int[batch * steps];
        float[][] last = new float[1][];
        float[] guided = new float[vocab];
        decode(model, labels, steps, last, (i, step) -> {
            guide(last[0], i, batch, vocab, scale, guided, 0);
            int best = 0;
            for (int v = 1; v < vocab; v++) {
                if (guided[v] > guided[best]) {
                    best = v;
                }
            }
            tokens[i * steps + step] = best;
            return best;
        });
        return tokens;
    }

    private static Decoded decode(AimModel model, int[] labels, int steps, ToIntBiFunction<Integer, Integer> token) {
        return decode(model, labels, steps, new float[1][], token);
    }

    /**
     * Runs {@code steps} steps for labels and as many null labels: the class element first, then one token per step.
     *
     * @param last element 0 is set to the logits (2 * batch, V) of the step that {@code token} is asked about
     * @param token from sequence and step to the token that comes next
     */
    private static Decoded decode(
            AimModel model, int[] labels, int steps, float[][] last, ToIntBiFunction<Integer, Integer> token) {
        Backend backend = model.backend();
        int batch = labels.length;
        int[] both = Arrays.copyOf(labels, 2 * batch);
        Arrays.fill(both, batch, 2 * batch, model.config().nullClass());
        int[] next = new int[2 * batch];
        float[][] logits = new float[steps][];
        DecodeState state = model.newState(2 * batch);
        try (Scope _ = Scope.inference()) {
            Conditioning condition = model.condition(Tensor.ofInts(backend, Shape.of(2 * batch), both));
            for (int step = 0; step < steps; step++) {
                try (Scope _ = Scope.inference()) {
                    Tensor input = step == 0 ? null : Tensor.ofInts(backend, Shape.of(2 * batch, 1), next);
                    logits[step] = model.forward(condition, input, state).toFloats();
                }
                last[0] = logits[step];
                for (int i = 0; i < batch; i++) {
                    int t = token.applyAsInt(i, step);
                    next[i] = t;
                    next[batch + i] = t;
                }
            }
        }
        return new Decoded(logits, state);
    }
}
