package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.output.Charts;
import org.aimjvm.cli.output.GrowthPlot;
import org.aimjvm.command.ExitCode;
import org.aimjvm.measure.Growth;
import org.aimjvm.measure.Spread;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code aim bench}: wrong usage before any work, and one short run. */
class BenchCommandTest {
    @TempDir private Path dir;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "quality --count 0       | --count: 0 \\(expected 1 to 10000\\)",
        "quality --preset aim-b --model fashion | --preset: aim-b with --model fashion",
        "--preset aim-s          | --preset: aim-s, expected one of aim-1b, aim-b, aim-l, aim-xl",
        "--weights f32,f8        | Invalid value for option '--weights'",
        "--states f32,int8       | Invalid value for option '--states'",
        "quality --states f16    | Invalid value for option '--states'",
        "--weights int8 --work train-step | --weights: none is f32, expected f32 among them for train-step",
        "--batch 0               | --batch: 0 \\(expected 1 to 256\\)",
        "--batch 1,x             | Invalid value for option '--batch'",
        "--batch 257             | --batch: 257 \\(expected 1 to 256\\)",
        "--guided maybe          | Invalid value for option '--guided': expected one of \\[ON, OFF, BOTH\\]",
        "--work lm-encode        | Invalid value for option '--work' .*lm-decode, LM_PREFILL, lm-prefill",
        "--seconds 0             | --seconds: 0.0 \\(expected 0.01 to below 3601.0\\)",
        "--seconds NaN           | --seconds: NaN",
        "--train-batch 0         | --train-batch: 0 \\(expected at least 1\\)",
        "--threads 0             | --threads: 0, expected at least 1",
        "--backend gpu           | --backend: gpu, expected one of cuda, vector, scalar",
        "--vq-batch 0            | --vq-batch: 0 \\(expected 1 to 256\\)",
        "--vq-preset vq-f8       | --vq-preset: vq-f8, expected one of vq-f16, vq-f4-ch16",
        "--vq-train-batch 0      | --vq-train-batch: 0 \\(expected at least 1\\)",
        "--losses l1             | Invalid value for option '--losses' .*ADVERSARIAL",
        "--json DIR              | --json: DIR is a folder, expected a file name",
        "--preset aim-1b --batch 256 --work lm-prefill | heap: at most .* for aim-1b in f32 with batch 256 \\(AIM_JAVA_OPTS",
        "--preset aim-1b --work train-step | heap: at most .* for aim-1b in f32 with batch 8",
        "growth --tokens 255     | --tokens: 255 \\(expected a square number, 4 to 65536\\)",
        "growth --batch 2,0      | --batch: 0 \\(expected 1 to 256\\)",
        "growth --seconds 0      | --seconds: 0.0",
        "growth --tokens 65536   | heap: at most .* for LlamaGen-B \\(attention\\) with 65536 codes",
        "plot --out DIR/x.png    | Missing required parameter: 'JSON'",
        "plot DIR/x.json         | Missing required option: '--out=FILE'",
    })
    void refuses(String options, String expected) {
        Outcome o = Outcome.of(Outcome.words(dir, "bench " + options));
        assertThat(o.exit()).as(o.err()).isEqualTo(ExitCode.USAGE);
        assertThat(o.out()).isEmpty();
        assertThat(o.err()).hasLineCount(1)
                .matches("(?s)aim: bench.*: .*" + expected.replace("DIR", dir.toString()) + ".*");
    }

    @Test
    void oneRowInTheTableAndInTheFile() throws Exception {
        Path json = dir.resolve("rows/bench.json");
        Outcome o = Outcome.of(
                "bench", "--work", "vq-encode", "--seconds", "0.01", "--threads", "1", "--json", json.toString());
        assertThat(o.exit()).as(o.err()).isZero();
        assertThat(o.out()).contains("reading memory in order", "1 threads",
                "vq-encode  vq-f16  f32   f32        1     no");
        JsonNode rows = JsonMapper.shared().readTree(json);
        assertThat(rows.size()).isEqualTo(1);
        assertThat(rows.get(0).get("threads").intValue()).isEqualTo(1);
        assertThat(dir.resolve("rows")).isDirectoryContaining(p -> p.equals(json));
    }

    @Test
    void aStepOfStageOne() throws Exception {
        Path json = dir.resolve("stage-one.json");
        Outcome o = Outcome.of(
                "bench", "--work", "vq-train-step", "--losses", "l2", "--vq-train-batch", "1", "--seconds", "0.01",
                "--json", json.toString());
        assertThat(o.exit()).as(o.err()).isZero();
        assertThat(o.out()).contains("losses", "vq-train-step vq-f4-ch16 l2              1 ")
                .doesNotContain("lm-decode");
        JsonNode row = JsonMapper.shared().readTree(json).get(0);
        assertThat(row.get("preset").asString()).isEqualTo("vq-f4-ch16");
        assertThat(row.get("losses").asString()).isEqualTo("l2");
        assertThat(row.get("pictures_per_second").doubleValue()).isPositive();
        assertThat(row.get("tensor_bytes").longValue()).isPositive();
    }

    @Test
    void sharesAreDrawn() throws Exception {
        Path json = dir.resolve("rows.json");
        Files.writeString(json, """
                [{"work": "lm-decode", "preset": "aim-b", "weights": "f32", "batch": 1, "guided": true,
                  "share_of_bandwidth": 0.9, "share_of_peak": 0.05},
                 {"work": "lm-prefill", "preset": "aim-b", "weights": "int8", "batch": 8, "guided": false,
                  "share_of_bandwidth": 0.1, "share_of_peak": 0.7}]
                """);
        Path png = dir.resolve("share.png");
        Outcome o = Outcome.of("bench", "plot", "-o", png.toString(), json.toString());
        assertThat(o.exit()).as(o.err()).isZero();
        assertThat(ImageIO.read(png.toFile()).getHeight()).isEqualTo(2 * Charts.HEIGHT);

        Files.writeString(json, "[{\"work\": 3}]");
        Outcome bad = Outcome.of("bench", "plot", "-o", png.toString(), json.toString());
        assertThat(bad.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(bad.err()).startsWith("aim: " + json + ": weights: null, expected a text");
        Files.writeString(json, "{}");
        assertThat(Outcome.of("bench", "plot", "-o", png.toString(), json.toString()).err())
                .startsWith("aim: " + json + ": not a list, expected a file of 'aim bench --json'");
    }

    @Test
    void growthIsDrawn() throws Exception {
        List<Growth.Row> positions = new ArrayList<>();
        List<Growth.Row> sizes = new ArrayList<>();
        for (Growth.Model model : Growth.Model.values()) {
            for (int i = 1; i <= 3; i++) {
                positions.add(new Growth.Row(model, 1, 64 * i, Spread.of(0.01 * i), 1000));
                sizes.add(new Growth.Row(model, i, 20, Spread.of(0.01 * i), 1000 * i));
            }
        }
        Path png = dir.resolve("growth.png");
        GrowthPlot.write(png, positions, sizes, 256);
        assertThat(ImageIO.read(png.toFile()).getWidth()).isEqualTo(2 * (Charts.WIDTH * 2 / 3));
    }
}
