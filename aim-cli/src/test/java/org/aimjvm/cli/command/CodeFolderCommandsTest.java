package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.command.ExitCode;
import org.aimjvm.data.CodeFolder;
import org.aimjvm.data.TokenDataset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Codes in the layouts of others, written and trained on by the commands. */
class CodeFolderCommandsTest {
    private static final String VOCAB = " --vocab 8";

    @TempDir private static Path shared;

    @BeforeAll
    static void tokenizer() throws IOException {
        TinyData.idx(shared.resolve("data"));
        assertThat(aim("train vq --data DIR/data --out DIR/vq --steps 1 --sample-every 0 " + TinyData.VQ).exit())
                .isZero();
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    private static Outcome tokenize(String rest) {
        return aim("tokenize --model DIR/vq/model --data DIR/data --size 8 " + rest);
    }

    private static Outcome train(String rest) {
        return aim("train lm --steps 3 --sample-every 0 " + TinyData.LM + " " + rest);
    }

    @Test
    void llamaGensLayoutHoldsTheCodesOfOursAndIsTrainedOn() {
        tokenize("--out DIR/ours --views 2 --seed 3");
        Outcome made = tokenize("--out DIR/llamagen --views 2 --seed 3 --format llamagen");
        assertThat(made.err()).isEmpty();
        assertThat(made.exit()).isZero();
        CodeFolder codes = CodeFolder.open(shared.resolve("llamagen"), 8);
        assertThat(codes.crops()).isEqualTo(2);
        try (TokenDataset ours = TokenDataset.open(shared.resolve("ours"))) {
            assertThat(ours.size()).isEqualTo(2 * TinyData.TRAIN);
            int[] a = new int[codes.length()];
            int[] b = new int[codes.length()];
            for (int i = 0; i < ours.size(); i++) {
                ours.read(i, a, 0);
                codes.read(i % TinyData.TRAIN, i / TinyData.TRAIN, b, 0);
                assertThat(b).isEqualTo(a);
                assertThat(codes.label(i % TinyData.TRAIN)).isEqualTo(ours.label(i));
            }
        }
        Outcome trained = train("--data DIR/llamagen --tokenizer DIR/vq/model --out DIR/lm --sampling balanced"
                + " --validate-every 3" + VOCAB);
        assertThat(trained.err()).isEmpty();
        assertThat(trained.exit()).isZero();
        try (ModelFolder model = ModelFolder.open(shared.resolve("lm/model"))) {
            assertThat(model.info().classNames()).containsExactly("0", "1", "2");
            assertThat(model.hasTokenizer()).isTrue();
        }
    }

    @Test
    void aFolderPerLabelHoldsOnePart() {
        Outcome both = tokenize("--out DIR/folders --format folders");
        assertThat(both.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(both.err()).contains("--split: all with --format folders (expected train or test");
        assertThat(shared.resolve("folders")).doesNotExist();
        tokenize("--out DIR/train --format folders --split train");
        tokenize("--out DIR/test --format folders --split test");
        assertThat(CodeFolder.open(shared.resolve("test"), 8).size()).isEqualTo(TinyData.TEST);
        assertThat(train("--data DIR/train --val DIR/test --out DIR/lm-folders --validate-every 3" + VOCAB).exit())
                .isZero();
    }

    @Test
    void wrongVocabulariesAreNamed() {
        tokenize("--out DIR/v --format folders --split train");
        tokenize("--out DIR/v-ours --split train");
        Outcome small = train("--data DIR/v --out DIR/lm-small --vocab 1");
        assertThat(small.exit()).isNotZero();
        assertThat(small.err()).contains("expected 0 to 0 (is it the vocabulary of the tokenizer that made them?)");
        Outcome other = train("--data DIR/v --tokenizer DIR/vq/model --out DIR/lm-other");
        assertThat(other.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(other.err()).contains("--vocab: 16384 (expected 8, as --tokenizer");
        assertThat(train("--data DIR/v --out DIR/lm-none --vocab 0").exit()).isEqualTo(ExitCode.USAGE);
        assertThat(train("--data DIR/v-ours --out DIR/lm-twice --vocab 17").err())
                .contains("--vocab: 17 (expected 8, as");
        assertThat(shared.resolve("lm-small")).doesNotExist();
    }
}
