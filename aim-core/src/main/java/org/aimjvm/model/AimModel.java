package org.aimjvm.model;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.PointwiseOp.silu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.Dropout;
import org.aimjvm.nn.Embedding;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.MixerState;
import org.aimjvm.nn.Norm;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ModulateOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.gemm.LinearCrossEntropyOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * The AiM sequence model (arXiv 2408.12245, section 3): predicts the codes of a picture one after another from its
 * class. A sequence is the class element followed by image tokens; the output at index i predicts token i. The same
 * {@link #forward} serves training, prefill and decoding.
 *
 * <p>Where it is only one of two models, beside the tokenizer, it is {@code Lm} for short, as in the literature:
 * {@code LmTrainer}, {@code LmCost}.
 */
public final class AimModel {
    /** Before a dot, the start of the names of its tensors in the published checkpoints. */
    public static final String NAME = "mamba";

    private static final String BACKBONE = "backbone";
    private static final String LAYERS = "layers";
    private static final String WORDS = "embeddings.word_embeddings";
    private static final String CLASSES = "cls_embed.embedding_table";
    private static final String HEAD = "lm_head.weight";
    /** Full name of the word embedding. */
    public static final String WORD_EMBEDDING = NAME + "." + BACKBONE + "." + WORDS + "." + Embedding.WEIGHT;
    /** Full name of the head where it is a matrix of its own; tied, it is {@link #WORD_EMBEDDING}. */
    public static final String OWN_HEAD = NAME + "." + HEAD;

    /** Full name of the table of classes, (numClasses + 1, dModel); the last row is the null class. */
    public static final String CLASS_TABLE = NAME + "." + BACKBONE + "." + CLASSES + "." + Embedding.WEIGHT;

    private static final String BLOCK = NAME + "." + BACKBONE + "." + LAYERS + ".";

    private final Params params;
    private final AimConfig config;
    private final PositionRule positions;
    private final Backend backend;
    private final Embedding wordEmbeddings;
    private final Embedding positionEmbeddings;
    private final Embedding classEmbeddings;
    private final Linear groups; // adaLN-group: the groups' shared projections
    private final List<AimBlock> blocks;
    private final Norm normF;
    private final Norm normFinal;
    private final Linear finalAdaLn;
    private final Tensor head; // (V, dModel)
    private final StateFormat stateFormat;

    /**
     * @param params gives tensors by the names below {@value #NAME} in the published checkpoints
     * @param positions the rule the weights were or will be trained under
     */
    public AimModel(Params params, AimConfig config, PositionRule positions) {
        this.params = params;
        this.config = config;
        this.positions = positions;
        this.backend = params.backend();
        int d = config.dModel();
        Params p = params.sub(BACKBONE);
        this.wordEmbeddings = Embedding.matrix(p.sub(WORDS).as(AimRole.WORDS), config.vocabSize(), d);
        this.positionEmbeddings = Embedding.table(
                p.sub("embeddings.position_embeddings").as(AimRole.POSITIONS), config.numTokens() + 1, d);
        this.classEmbeddings =
                Embedding.table(p.sub(CLASSES).as(AimRole.CLASSES), config.numClasses() + 1, d);
        Params conditioning = p.as(AimRole.CONDITIONING);
        this.groups = config.adaLnGroup()
                ? new Linear(conditioning.sub("adaln_group.1"), d, config.numGroups() * config.modulations() * d, true)
                : null;
        List<AimBlock> list = new ArrayList<>();
        for (int i = 0; i < config.nLayer(); i++) {
            list.add(new AimBlock(p.sub(LAYERS, i), config, i));
        }
        this.blocks = List.copyOf(list);
        Params norms = p.as(AimRole.NORMS);
        this.normF = AimBlock.norm(norms.sub("norm_f"), config);
        this.normFinal = Norm.rms(norms.sub("final_layer.norm_final"), d);
        this.finalAdaLn = new Linear(
                conditioning.sub("final_layer.adaLN_modulation.1"), d, 2 * d, Init.zeros(), Init.zeros());
        this.head = config.tieEmbeddings()
                ? wordEmbeddings.weight()
                : params.as(AimRole.HEAD).matrix(HEAD, Shape.of(config.vocabSize(), d), Init.fanIn(d));
        this.stateFormat = StateFormat.F32;
    }

    private AimModel(AimModel m, StateFormat stateFormat) {
        this.params = m.params;
        this.config = m.config;
        this.positions = m.positions;
        this.backend = m.backend;
        this.wordEmbeddings = m.wordEmbeddings;
        this.positionEmbeddings = m.positionEmbeddings;
        this.classEmbeddings = m.classEmbeddings;
        this.groups = m.groups;
        this.blocks = m.blocks;
        this.normF = m.normF;
        this.normFinal = m.normFinal;
        this.finalAdaLn = m.finalAdaLn;
        this.head = m.head;
        this.stateFormat = stateFormat;
    }

    /**
     * The same model, with the same weights in memory, whose {@linkplain #newState states} are held in {@code format}.
     *
     * @throws IllegalArgumentException if no block can hold its state so: Mamba-1 and attention hold theirs in F32
     */
    public AimModel withStates(StateFormat format) {
        config.checkStates(format);
        return new AimModel(this, format);
    }

    /** How {@link #newState} holds the states of Mamba-2: F32 unless {@link #withStates} says otherwise. */
    public StateFormat states() {
        return stateFormat;
    }

    /** The block, from 0, of the tensor of this full name; -1 if it is of none. */
    static int block(String name) {
        if (!name.startsWith(BLOCK)) {
            return -1;
        }
        return Integer.parseInt(name.substring(BLOCK.length(), name.indexOf('.', BLOCK.length())));
    }

    public AimConfig config() {
        return config;
    }

    /** The model's own tensors by their full names, to train, save or count. */
    public Params params() {
        return params;
    }

    public PositionRule positions() {
        return positions;
    }

    public Backend backend() {
        return backend;
    }

    /**
     * What a pass needs of the labels, computed once per picture.
     *
     * @param labels I32 (batch), classes or {@link AimConfig#nullClass()}
     */
    public Conditioning condition(Tensor labels) {
        int d = config.dModel();
        Tensor c = classEmbeddings.forward(labels); // (batch, dModel)
        Tensor siluC = silu(c);
        Tensor[] shared = null;
        if (groups != null) {
            int[] sizes = new int[config.numGroups()];
            Arrays.fill(sizes, config.modulations() * d);
            shared = SplitOp.split(groups.forward(siluC), sizes);
        }
        List<Modulation> perBlock = new ArrayList<>();
        for (int i = 0; i < blocks.size(); i++) {
            perBlock.add(blocks.get(i).condition(siluC, shared == null ? null : shared[i % config.numGroups()]));
        }
        Tensor[] last = SplitOp.split(finalAdaLn.forward(siluC), d, d);
        return new Conditioning(c, perBlock, last[0], last[1]);
    }

    /**
     * A state at the start of {@code batch} sequences. It owns memory outside all scopes, of constant size for models
     * without attention.
     */
    public DecodeState newState(int batch) {
        List<MixerState> states = new ArrayList<>();
        for (AimBlock block : blocks) {
            states.add(block.newState(batch, config.numTokens() + 1, stateFormat));
        }
        return new DecodeState(states, batch);
    }

    /** {@link #forward(Conditioning, Tensor, DecodeState, Dropout, Trace)} without dropout or trace. */
    public Tensor forward(Conditioning condition, Tensor tokens, DecodeState state) {
        return forward(condition, tokens, state, Dropout.OFF, Trace.OFF);
    }

    /**
     * Processes elements {@code [state.position, state.position + L)} of each sequence; at position 0 (or without a
     * state) these begin with the class element.
     *
     * @param tokens I32 (batch, T), the next image tokens; {@code null} for none, at position 0 only. L = T + 1 at
     *     position 0, else T
     * @param state read and advanced; {@code null}: a whole sequence from the start
     * @return logits (batch, L, V); those at sequence index i predict image token i
     * @throws IllegalArgumentException if the sequence would get longer than numTokens + 1 or batches differ
     */
    public Tensor forward(Conditioning condition, Tensor tokens, DecodeState state, Dropout dropout, Trace trace) {
        checkInput(tokens, state, condition.batch());
        int start = state == null ? 0 : state.position();
        Tensor rows = positionRows(tokens, start);
        Tensor logits = pass(condition, start == 0, tokens, rows, state, dropout, trace);
        if (state != null) {
            state.advance(logits.dim(1));
        }
        return logits;
    }

    /**
     * The training loss, {@code mean of -log softmax(forward(condition, tokens, null))[target]}, without logits of a
     * whole batch in memory.
     *
     * @param tokens as in {@link #forward(Conditioning, Tensor, DecodeState, Dropout, Trace)}
     * @param targets I32 (batch, L), the code each element is to predict
     * @param checkpointBlocks keeps only what passes between blocks and computes them again in the backward pass
     * @return a scalar, the same bits with and without {@code checkpointBlocks}
     */
    public Tensor loss(
            Conditioning condition, Tensor tokens, Tensor targets, Dropout dropout, boolean checkpointBlocks) {
        checkInput(tokens, null, condition.batch());
        Tensor rows = positionRows(tokens, 0);
        Tensor features = features(condition, true, tokens, rows, null, dropout, Trace.OFF, checkpointBlocks);
        return LinearCrossEntropyOp.meanCrossEntropy(features, head, targets);
    }

    /** {@link #pass(Conditioning, boolean, Tensor, Tensor, DecodeState, Dropout, Trace)} without dropout or trace. */
    Tensor pass(Conditioning condition, boolean fromStart, Tensor tokens, Tensor rows, DecodeState state) {
        return pass(condition, fromStart, tokens, rows, state, Dropout.OFF, Trace.OFF);
    }

    /**
     * The part of {@link #forward} that runs on the device, without the position of {@code state}: what depends on it
     * comes in as {@code rows}.
     *
     * @param fromStart whether the class element comes first
     * @param rows I32 as tokens, their rows of the position table
     */
    Tensor pass(
            Conditioning condition, boolean fromStart, Tensor tokens, Tensor rows, DecodeState state, Dropout dropout,
            Trace trace) {
        return LinearOp.linear(
                features(condition, fromStart, tokens, rows, state, dropout, trace, false), head, null);
    }

    /** What the head turns into logits, (batch, L, dModel). */
    private Tensor features(
            Conditioning condition, boolean fromStart, Tensor tokens, Tensor rows, DecodeState state, Dropout dropout,
            Trace trace, boolean checkpointBlocks) {
        Tensor hidden = embed(condition, fromStart, tokens, rows, dropout, trace); // (batch, L, dModel)
        AimBlock.Streams streams = new AimBlock.Streams(hidden, null, null);
        for (int i = 0; i < blocks.size(); i++) {
            MixerState layer = state == null ? null : state.layer(i);
            Modulation modulation = condition.blocks().get(i);
            try (Scope part = Scope.part()) {
                AimBlock.Streams next = checkpointBlocks
                        ? blocks.get(i).forwardRecomputed(streams, modulation, dropout)
                        : blocks.get(i).forward(streams, modulation, layer, dropout, trace);
                part.keep(next.branch());
                if (next.residual().storage() != streams.branch().storage()) { // the first block passes its input on
                    part.keep(next.residual());
                }
                streams = next;
            }
        }
        Tensor normed = normF.add(streams.branch(), streams.gate(), streams.residual(), null, null).normed();
        trace.see("norm_f_out", normed);
        Tensor out =
                ModulateOp.modulate(normFinal.forward(normed), condition.finalShift(), condition.finalScale());
        trace.see("final_out", out);
        return out;
    }

    /** Fails unless {@code tokens} can come next in {@code state}; parameters as in {@link #forward}. */
    void checkInput(Tensor tokens, DecodeState state, int batch) {
        int start = state == null ? 0 : state.position();
        if (state != null && state.batch() != batch) {
            throw new IllegalArgumentException("forward: state of " + state.batch() + " sequences, expected " + batch);
        }
        if (tokens == null && start > 0) {
            throw new IllegalArgumentException("forward: no tokens at position " + start + " (expected at least one)");
        }
        int count = tokens == null ? 0 : tokens.dim(1);
        if (tokens != null && (tokens.shape().rank() != 2 || tokens.dim(0) != batch || count == 0)) {
            throw new IllegalArgumentException(
                    "forward: tokens of shape " + tokens.shape() + ", expected (" + batch + ", T >= 1)");
        }
        int end = start + count + (start == 0 ? 1 : 0);
        if (end > config.numTokens() + 1) {
            throw new IllegalArgumentException(
                    "forward: sequence of " + end + " elements (expected at most num_tokens + 1 = "
                            + (config.numTokens() + 1) + ")");
        }
    }

    /**
     * Class element at position 0, then word plus position embeddings; image token j stands at sequence index j + 1.
     */
    private Tensor embed(
            Conditioning condition, boolean fromStart, Tensor tokens, Tensor rows, Dropout dropout, Trace trace) {
        int batch = condition.batch();
        int d = config.dModel();
        Tensor c = condition.classElement();
        if (fromStart) {
            trace.see("class_embed", c);
        }
        if (tokens == null) {
            return c.reshape(batch, 1, d);
        }
        int count = tokens.dim(1);
        Tensor position = positionEmbeddings.forward(rows);
        Tensor words = dropout.apply(wordEmbeddings.forward(tokens), config.tokenDrop());
        Tensor embedded = add(words, position); // (batch, T, dModel)
        trace.see("token_plus_position", embedded);
        return fromStart
                ? SplitOp.concat(c, embedded.reshape(batch, count * d)).reshape(batch, count + 1, d)
                : embedded;
    }

    /**
     * Rows of the position table of the tokens that follow element {@code start - 1}, as tokens; {@code null} for none.
     */
    private Tensor positionRows(Tensor tokens, int start) {
        if (tokens == null) {
            return null;
        }
        int count = tokens.dim(1);
        int[] rows = new int[tokens.size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = positionRow(Math.max(1, start)) + i % count;
        }
        return Tensor.ofInts(backend, tokens.shape(), rows);
    }

    /** Row of the position table of the image token at sequence index {@code element}, from 1. */
    int positionRow(int element) {
        return element - 1 + positions.offset();
    }
}
