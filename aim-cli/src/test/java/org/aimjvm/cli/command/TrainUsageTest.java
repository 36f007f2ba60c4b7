package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the training commands refuse, before they write anything. */
class TrainUsageTest {
    @TempDir private static Path shared;
    @TempDir private Path dir;

    @BeforeAll
    static void prepare() throws IOException {
        TinyData.idx(shared.resolve("data"));
        TinyData.model(shared.resolve("model")); // a tokenizer for colour
        Files.delete(TinyData.files(shared.resolve("pictures")).resolve("cat/broken.png"));
        assertThat(aim("train vq --data DIR/data --out DIR/vq --steps 1 --sample-every 0 " + TinyData.VQ).exit())
                .isZero();
        assertThat(aim("tokenize --model DIR/vq/model --data DIR/data --size 8 --out DIR/codes").exit()).isZero();
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    private void refuses(String command, String options, String expected, int exit) {
        Outcome o = aim((command + " " + options).replace("OUT", dir.resolve("out").toString()));
        // What a folder of picture files holds is said before anything is wrong with it.
        String complaint = o.err().replaceFirst("aim: .*: \\d+ pictures of \\d+ classes: .*\\R", "");
        assertThat(complaint).hasLineCount(1)
                .matches(Pattern.compile("aim: (" + command + ": )?" + expected + ".*\\R"));
        assertThat(o.exit()).isEqualTo(exit);
        assertThat(o.out()).isEmpty();
        assertThat(dir).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
        "--steps 2                              | Missing required option: '--data=",
        "--data DIR/data                        | --steps, --epochs: none given, expected one of the two",
        "--data DIR/data --steps 1 --epochs 1   | --steps, --epochs: both given",
        "--data DIR/data --steps 0              | --steps: 0 \\(expected at least 1\\)",
        "--data DIR/data --steps x              | Invalid value for option '--steps': 'x' is not an int",
        "--data DIR/data --steps 2 --batch 31   | --batch: 31 \\(expected at most the 30 training pictures\\)",
        "--data DIR/data --steps 2 --micro-batch 4 | --micro-batch: 4 \\(expected a divisor of --batch 6\\)",
        "--data DIR/data --steps 2 --warmup 3   | --warmup: 3",
        "--data DIR/data --epochs 1 --warmup 9  | --warmup: 9 \\(expected 0 to the 5 steps\\)",
        "--data DIR/data --steps 2 --lr -1      | --lr: -1.0",
        "--data DIR/data --steps 2 --lr NaN     | --lr: NaN",
        "--data DIR/data --steps 2 --beta2 1    | --beta2: 1.0 \\(expected 0.0 to below 1.0\\)",
        "--data DIR/data --steps 2 --ema 1      | --ema: 1.0",
        "--data DIR/data --steps 2 --decay some | Invalid value for option '--decay': .*by-dimension",
        "--data DIR/data --steps 2 --keep 0     | --keep: 0 \\(expected at least 1\\)",
        "--data DIR/data --steps 2 --revive-after -1 | --revive-after: -1",
        "--data DIR/data --steps 2 --ch 6       | ch_mult: 1 gives 6 channels \\(expected a multiple of norm_groups 4",
        "--data DIR/data --steps 2 --preset vq-f4 | preset: vq-f4 \\(expected one of",
        "--data DIR/data --steps 2 --ch-mult 1,x  | Invalid value for option '--ch-mult'",
        "--data DIR/data --steps 2 --size 7     | side: 7 \\(expected at least 8 rows",
        "--data DIR/data --steps 2 --size 9     | pictures: 9 x 9 \\(expected multiples of 2",
        "--data DIR/data --steps 2 --channels 3 | --channels: 3 for IDX files",
        "--data DIR/data --steps 2 --channels 4 | --channels: 4 \\(expected auto, 1 or 3\\)",
        "--data DIR/data --steps 2 --flip       | --flip: given for IDX files",
        "--data DIR/pictures --steps 2 --resize 4 | --resize: 4 \\(expected --size 8",
        "--data DIR/pictures --steps 2 --class-names a,b | --class-names: given for picture files",
        "--data DIR/none --steps 2              | DIR/none: no such folder",
        "--data DIR/data --val DIR/none --steps 2 | DIR/none: no such folder",
        "--data DIR/data --steps 2 --backend gpu  | --backend: gpu, expected one of",
        "--data DIR/data --steps 2 --threads 0    | --threads: 0",
        "--data DIR/data --steps 2 --out DIR/vq   | --out: DIR/vq holds a run, expected a new folder \\(or continue",
        "--data DIR/data --steps 2 --out DIR/vq/metrics.csv | --out: .*metrics.csv is a file, expected a folder",
    })
    void trainVq(String options, String expected) {
        String out = options.contains("--out") ? " " : " --out OUT ";
        String defaults = TinyData.VQ;
        for (String option : options.split(" ")) { // an option given twice would be another complaint
            if (option.startsWith("--")) {
                defaults = defaults.replaceAll(option + " \\S+( |$)", "");
            }
        }
        refuses("train vq", options + out + defaults, expected.replace("DIR", shared.toString()), ExitCode.USAGE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--data DIR/codes                      | --steps, --epochs: none given",
        "--data DIR/codes --steps 2 --hold-out -1 | --hold-out: -1",
        "--data DIR/codes --steps 2 --label-dropout 1.5 | --label-dropout: 1.5 \\(expected 0 to 1\\)",
        "--data DIR/codes --steps 2 --cfg-scale -1 | cfg-scale: -1.0",
        "--data DIR/codes --steps 2 --preset aim-s | preset: aim-s \\(expected one of",
        "--data DIR/codes --steps 2 --head-dim 7   | ssm_cfg.headdim: 7",
        "--data DIR/codes --steps 2 --mixer mamba1 | --head-dim: given with --mixer mamba1",
        "--data DIR/codes --steps 2 --mixer s4     | Invalid value for option '--mixer'",
        "--data DIR/codes --steps 2 --heads 2      | --attention-layers, --heads: only one given",
        "--data DIR/codes --steps 2 --attention-layers 1 --heads 2 | attn_layer_idx: 1 \\(expected 0 to 0\\)",
        "--data DIR/codes --steps 2 --attention-layers 0 --heads 3 | attn_cfg.num_heads: 3",
        "--data DIR/codes --steps 2 --groups -1    | --groups: -1",
        "--data DIR/codes --steps 2 --mlp -1       | d_intermediate: -1",
        "--data DIR/codes --steps 2 --token-dropout 1 | token_drop: 1.0",
        "--data DIR/codes --steps 2 --batch 31     | --batch: 31",
        "--data DIR/codes --steps 2 --tokenizer DIR/model | --tokenizer: DIR/model is not the one that made DIR/codes",
        "--data DIR/codes --steps 2 --positions odd | Invalid value for option '--positions'",
    })
    void trainLm(String options, String expected) {
        String defaults = TinyData.LM;
        for (String option : options.split(" ")) {
            if (option.startsWith("--") && !option.equals("--mixer")) {
                defaults = defaults.replaceAll(option + " \\S+( |$)", "");
            }
        }
        refuses("train lm", options + " --out OUT " + defaults, expected.replace("DIR", shared.toString()),
                ExitCode.USAGE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--data DIR/data --size 8                   | Missing required option: '--model=",
        "--model DIR/vq/model --data DIR/data --size 8 --views 0 | --views: 0",
        "--model DIR/vq/model --data DIR/data --size 8 --batch 0 | --batch: 0",
        "--model DIR/vq/model --data DIR/data --size 8 --split some | Invalid value for option '--split'",
        "--model DIR/vq/model --data DIR/data --size 9 | --size: 9 \\(expected a multiple of 2",
        "--model DIR/model --data DIR/data --size 8 | --data: pictures with 1 channels \\(expected 3",
        "--model DIR/vq/model --data DIR/pictures --size 8 --split test | --split: test, but there are no validation",
        "--model DIR/model --data DIR/pictures --val DIR/data --size 8 | --val: classes",
        "--model DIR/vq/model --data DIR/data --size 8 --out DIR/codes | --out: DIR/codes is not empty",
        "--model DIR/vq/model --data DIR/data --size 8 --out DIR/vq/metrics.csv | --out: .* is a file",
    })
    void tokenize(String options, String expected) {
        String out = options.contains("--out") ? "" : " --out OUT";
        refuses("tokenize", options + out, expected.replace("DIR", shared.toString()), ExitCode.USAGE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "train lm | --data DIR/none --steps 1 --out OUT                    | DIR/none: ",
        "train lm | --data DIR/data --steps 1 --out OUT                    | DIR/data: no files codes-",
        "train lm | --data DIR/codes --val DIR/none --steps 1 --batch 6 --out OUT | DIR/none",
        "train lm | --data DIR/codes --tokenizer DIR/none --steps 1 --batch 6 --out OUT | DIR/none: no such file",
        "tokenize | --model DIR/none --data DIR/data --size 8 --out OUT    | DIR/none: no such file",
        "tokenize | --model DIR/data --data DIR/data --size 8 --out OUT    | DIR/data: no weights in this folder",
    })
    void whatIsNotThereIsAFailure(String command, String options, String expected) {
        refuses(command, options, expected.replace("DIR", shared.toString()), ExitCode.FAILED);
    }

    @Test
    void damagedPicturesAreAFailure() throws IOException {
        Path data = TinyData.idx(shared.resolve("cut"));
        Path images = data.resolve("train-images-idx3-ubyte");
        byte[] bytes = Files.readAllBytes(images);
        Files.write(images, Arrays.copyOf(bytes, bytes.length - 1));
        refuses("train vq", "--data DIR/cut --steps 1 --out OUT " + TinyData.VQ,
                Pattern.quote(images.toString()) + ": ",
                ExitCode.FAILED);
    }

    @Test
    void aRunThatDivergesSaysWhatToDo() {
        Outcome o = aim(("train vq --data DIR/data --out OUT --steps 30 --schedule constant --clip 0 "
                + TinyData.VQ.replace("3e-3", "1e30")).replace("OUT", dir.resolve("out").toString()));
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.err()).hasLineCount(1).matches("(?s)aim: (loss|gradient norm): .*expected a finite number.*");
        assertThat(dir.resolve("out/model")).doesNotExist();
    }

    @Test
    void aRunCanOnlyBeContinuedAsItWasBegun() {
        String command = "train vq --data DIR/data --steps 2 --sample-every 0 --resume --out " + dir + " ";
        assertThat(aim(command + TinyData.VQ).exit()).isZero();
        Outcome o = aim(command + "--seed 5 " + TinyData.VQ);
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.err()).hasLineCount(1).contains("training.seed: 0 in the checkpoint, 5 asked for");
    }
}
