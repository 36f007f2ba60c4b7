package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole command line as modules: what picocli and Jackson reach by reflection is open to them. */
class ModulePathTest {
    @TempDir Path dir;

    @Test
    void trainsStopsAndResumesAsModules() throws Exception {
        for (String name : new String[] {"cats/a.png", "cats/b.png", "dogs/a.png", "dogs/b.png"}) {
            Path file = dir.resolve("data").resolve(name);
            Files.createDirectories(file.getParent());
            BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB);
            image.setRGB(3, 4, name.hashCode());
            ImageIO.write(image, "png", file.toFile());
        }
        String[] train = {"train", "vq", "--data", "data", "--out", "run", "--size", "16", "--ch", "4", "--ch-mult",
            "1,1", "--norm-groups", "2", "--z-channels", "4", "--codebook", "16", "--embed-dim", "4", "--batch", "4",
            "--sample-every", "0", "--steps", "2", "--checkpoint-every", "1"};
        assertThat(aim(train)).contains("step 2 of 2");
        assertThat(dir.resolve("run/step-00000002/trainer.json")).exists();
        String[] again = Arrays.copyOf(train, train.length + 1);
        again[train.length] = "--resume";
        aim(again);
        assertThat(aim("info", "run/model", "--json")).contains("\"parameters\"");
    }

    /** What the command prints, after it has ended well. */
    private String aim(String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m", "--module-path",
                modulePath(), "--module",
                "org.aimjvm.cli/" + Aim.class.getName()));
        command.addAll(Arrays.asList(args));
        Path out = dir.resolve("out.txt");
        Process process = new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true)
                .redirectOutput(out.toFile()).start();
        int exit = process.waitFor();
        String said = Files.readString(out);
        assertThat(exit).as(said).isZero();
        return said;
    }

    /** Our modules and the jars that they need: the test's class path without the tests and what only they need. */
    private static String modulePath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(e -> e.endsWith(".jar") || Files.exists(Path.of(e, "module-info.class")))
                .filter(e -> !e.matches(".*(junit|opentest4j|assertj|byte-buddy|apiguardian|surefire)[^/\\\\]*\\.jar"))
                .collect(Collectors.joining(File.pathSeparator));
    }
}
