package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.io.Npz;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that write much, as processes: signals, memory, a full disk. */
class GenerateProcessTest {
    private static final long SECONDS = 60;

    @TempDir private Path dir;

    /** Writes a model with random weights. */
    private Path model(int tokens, List<Integer> chMult) {
        AimConfig config = TinyData.config().withData(8, tokens, 3);
        VqConfig vq = VqConfig.builder()
                .ch(1)
                .chMult(chMult)
                .numResBlocks(1)
                .zChannels(1)
                .nEmbed(8)
                .embedDim(1)
                .normGroups(1)
                .build();
        Params params = Params.random(Backends.best(), 1);
        new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        new VqModel(params.sub(VqModel.NAME), vq);
        Path folder = dir.resolve("model");
        ModelWriter.write(folder, config, vq, ModelInfo.PUBLISHED, params.all(), DType.F32);
        return folder;
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private static CliProcess.Running start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-cp"));
        command.add(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        command.add(Aim.class.getName());
        command.addAll(List.of(args));
        return CliProcess.start(Path.of("").toAbsolutePath(), Map.of(), command);
    }

    @Test
    void aSignalEndsItWithoutAnyOutput() throws Exception {
        Path model = model(4096, List.of(1));
        Path out = Files.createDirectories(dir.resolve("out"));
        CliProcess.Running running = start(
                "generate", "--model", model.toString(), "--label", "all", "--count", "100000", "--batch", "2",
                "--npz", out + "/p.npz", "--out", out + "/pictures");
        long deadline = System.nanoTime() + SECONDS * 1_000_000_000L;
        while (files(out).size() < 2 && running.process().isAlive() && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
        assertThat(files(out)).as("written aside so far").hasSize(2).allMatch(name -> name.startsWith("."));
        running.process().destroy(); // SIGTERM
        CliProcess p = running.await();
        assertThat(p.exit()).isEqualTo(128 + 15);
        assertThat(p.out()).isEmpty();
        assertThat(p.err()).contains("aim: stopped, nothing written");
        assertThat(files(out)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "tokenize --model DIR/model --data DIR/data --size 8 --views 100000 --split train --batch 1 --out DIR/out/codes",
        "init --preset aim-1b --dtype f32 --out DIR/out/model",
        "convert DIR/large DIR/out/model.safetensors --dtype f32",
    })
    void aSignalLeavesNothingOfAnyCommandThatWritesMuch(String line) throws Exception {
        TinyData.idx(dir.resolve("data"));
        if (line.startsWith("tokenize")) {
            assertThat(Outcome.of(Outcome.words(dir, "train vq --data DIR/data --out DIR/run --steps 1 " + TinyData.VQ))
                    .exit())
                    .isZero();
            Files.move(dir.resolve("run/model"), dir.resolve("model"));
        } else if (line.startsWith("convert")) {
            assertThat(Outcome.of(Outcome.words(dir, "init --preset aim-b --dtype bf16 --no-tokenizer --out DIR/large"))
                    .exit()).isZero();
        }
        Path out = Files.createDirectories(dir.resolve("out"));
        CliProcess.Running running = start(Outcome.words(dir, line));
        long deadline = System.nanoTime() + SECONDS * 1_000_000_000L;
        while (files(out).isEmpty() && running.process().isAlive() && System.nanoTime() < deadline) {
            Thread.sleep(1);
        }
        assertThat(files(out)).as("written aside so far").singleElement().asString().startsWith(".");
        running.process().destroy();
        CliProcess p = running.await();
        assertThat(p.exit()).isEqualTo(128 + 15);
        assertThat(p.out()).isEmpty();
        assertThat(p.err()).contains("aim: stopped, nothing written");
        assertThat(files(out)).isEmpty();
    }

    /** A limit on the size of a file stands in for a full disk: both show while bytes are written, without a name. */
    @Test
    void aDiskThatIsFullIsToldWithTheFile() throws Exception {
        Path model = TinyData.model(dir.resolve("model"));
        String java = System.getProperty("java.home") + "/bin/java -XX:-UsePerfData -cp '"
                + System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")) + "' "
                + Aim.class.getName();
        for (String out : List.of("--out x.png --grid", "--out folder", "--npz x.npz")) {
            CliProcess p = CliProcess.run(dir, Map.of(), List.of("/bin/sh", "-c", "ulimit -f 1; exec " + java
                    + " generate --label all --count 8 --zoom 40 --model '" + model + "' " + out));
            assertThat(p.exit()).as(p.err()).isEqualTo(1);
            assertThat(p.err().lines().filter(l -> !l.contains("SIMD is off"))).singleElement().asString()
                    .isEqualTo("aim: " + out.split(" ")[1] + ": cannot be written: File too large");
            assertThat(files(dir)).containsExactly("model");
        }
    }

    @Test
    void manyPicturesFitASmallHeap() throws Exception {
        Path model = model(1, List.of(1, 1, 1, 1, 1, 1, 1)); // one code, 64 x 64 pixels: 48 KiB of floats a picture
        int each = 400; // 56 MiB of floats together
        CliProcess p = CliProcess.aim(
                List.of("-Xmx32m", "-XX:+UseSerialGC"), "generate", "--model", model.toString(), "--label", "all",
                "--count",
                Integer.toString(each), "--npz", dir + "/p.npz", "--batch", "16", "--cfg-scale", "1");
        assertThat(p.err()).as(p.err()).doesNotContain("memory");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).isEqualTo(dir + "/p.npz\n");
        assertThat(Npz.read(dir.resolve("p.npz")).get("arr_0").shape().toArray()).containsExactly(3 * each, 64, 64, 3);
    }
}
