package org.aimjvm.model;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Captured;
import org.aimjvm.tensor.Tensor;

/**
 * Decodes a batch of sequences token by token, with the bits of {@link AimModel#forward}. The pass is {@linkplain
 * Captured captured} on the first sequences and replayed for each further token, which allocates nothing; all that
 * changes from token to token are the ids and rows of the position table that are written before it. A backend that
 * does not capture runs the pass itself each time.
 *
 * <p>Reads the model's weights where they lie, so it follows a training that goes on.
 */
public final class Decoder implements AutoCloseable {
    /** Turns logits into the next tokens on the device, at the end of each pass and captured with it. */
    @FunctionalInterface
    public interface Draw {
        /**
         * @param logits (batch, 1, V). May be Modified
         * @param tokens I32 (batch, 1): output, what the next pass reads
         * @param rows I32 (batch, 1): the tokens' rows of the position table. Modified: each grows by one
         */
        void draw(Tensor logits, Tensor tokens, Tensor rows);
    }

    private final AimModel model;
    private final Draw draw; // null: the host hands tokens in
    private final DecodeState state;
    private final Tensor labels; // I32 (batch)
    private final Tensor tokens; // I32 (batch, 1)
    private final Tensor rows; // I32 (batch, 1)
    private final int[] row;
    private final Captured<Conditioning> conditioning;
    private final Captured<Tensor> first;
    private final Captured<Tensor> next;
    private Conditioning condition;

    /**
     * A decoder that is given each token.
     *
     * @param batch number of sequences
     */
    public Decoder(AimModel model, int batch) {
        this(model, batch, null);
    }

    /**
     * A decoder that draws its tokens itself: {@link #begin}, then {@link #next()}.
     *
     * @param batch number of sequences
     */
    public Decoder(AimModel model, int batch, Draw draw) {
        this.model = model;
        this.draw = draw;
        this.state = model.newState(batch);
        Backend backend = model.backend();
        this.labels = Tensor.persistentInts(backend, Shape.of(batch));
        this.tokens = Tensor.persistentInts(backend, Shape.of(batch, 1));
        this.rows = Tensor.persistentInts(backend, Shape.of(batch, 1));
        this.row = new int[batch];
        this.conditioning = new Captured<>(backend, () -> model.condition(labels));
        this.first = new Captured<>(
                backend, () -> drawn(model.pass(condition, true, null, null, state)));
        this.next = new Captured<>(
                backend, () -> drawn(model.pass(condition, false, tokens, rows, state)));
    }

    private Tensor drawn(Tensor logits) {
        if (draw != null) {
            draw.draw(logits, tokens, rows);
        }
        return logits;
    }

    /** Number of sequences. */
    public int batch() {
        return state.batch();
    }

    /** Elements processed so far, the class element included. */
    public int position() {
        return state.position();
    }

    /**
     * Starts new sequences and processes their class element.
     *
     * @param newLabels a class of each, or {@link AimConfig#nullClass()}
     * @return logits of their first token, (batch, 1, V), valid until the next call
     */
    public Tensor begin(int[] newLabels) {
        checkIds("label", newLabels, model.config().numClasses() + 1);
        state.reset();
        labels.write(newLabels);
        if (draw != null) {
            writeRows(model.positionRow(1) - 1); // it counts on from there
        }
        condition = conditioning.run();
        Tensor logits = first.run();
        state.advance(1);
        return logits;
    }

    /**
     * Processes the next token of each sequence.
     *
     * @return logits of the token after it, (batch, 1, V), valid until the next call
     * @throws IllegalStateException if no sequence was begun
     * @throws IllegalArgumentException if the sequence is complete, or a token is no code
     */
    public Tensor next(int[] nextTokens) {
        checkNext();
        checkIds("token", nextTokens, model.config().vocabSize());
        tokens.write(nextTokens);
        writeRows(model.positionRow(state.position()));
        return pass();
    }

    /**
     * Processes the tokens that the pass before has drawn.
     *
     * @return what drawing has left of the logits, valid until the next call
     * @throws IllegalStateException if no sequence was begun, or this decoder does not draw
     * @throws IllegalArgumentException if the sequence is complete
     */
    public Tensor next() {
        checkNext();
        if (draw == null) {
            throw new IllegalStateException("decode: nothing draws tokens (expected next with tokens)");
        }
        return pass();
    }

    private void checkNext() {
        if (state.position() == 0) {
            throw new IllegalStateException("decode: no sequences (expected begin before the first token)");
        }
        model.checkInput(tokens, state, state.batch());
    }

    /** Here, since a device cannot tell. */
    private static void checkIds(String what, int[] ids, int bound) {
        for (int id : ids) {
            if (id < 0 || id >= bound) {
                throw new IllegalArgumentException(
                        "decode: " + what + " id " + id + " (expected 0 to " + (bound - 1) + ")");
            }
        }
    }

    private void writeRows(int value) {
        Arrays.fill(row, value);
        rows.write(row);
    }

    private Tensor pass() {
        Tensor logits = next.run();
        state.advance(1);
        return logits;
    }

    /** Gives back the memory of the captured passes. */
    @Override
    public void close() {
        conditioning.close();
        first.close();
        next.close();
    }
}
