package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.aimjvm.backend.BackendException;
import org.junit.jupiter.api.Test;

/**
 * The names by which launches give arguments are those of the kernels' sources, and there are as many as in the PTX.
 * With {@code -Daim.kernels.write=true} the resource is written anew.
 */
class KernelParametersTest {
    private static final Path RESOURCES = Path.of("src", "main", "resources", "org", "aimjvm", "cuda");

    private static Map<String, List<String>> ofSources() {
        Map<String, List<String>> all = new TreeMap<>();
        KernelSources.files().forEach(f -> all.putAll(KernelSources.parameters(f)));
        return all;
    }

    @Test
    void namesAreThoseOfTheSources() throws IOException {
        String expected = ofSources().entrySet().stream()
                .map(e -> e.getKey() + " " + String.join(" ", e.getValue()) + "\n").collect(Collectors.joining());
        Path file = RESOURCES.resolve(KernelModule.NAMES);
        if (Boolean.getBoolean("aim.kernels.write")) {
            Files.writeString(file, expected);
        }
        assertThat(Files.readString(file)).as("-Daim.kernels.write=true makes it anew").isEqualTo(expected);
    }

    @Test
    void thereAreAsManyAsInThePtx() throws IOException {
        int kernels = 0;
        for (Path source : KernelSources.files()) {
            String ptx = Files.readString(RESOURCES.resolve(source.getFileName().toString().replace(".cu", ".ptx")));
            Map<String, List<String>> names = KernelSources.parameters(source);
            Matcher entry = Pattern.compile("\\.entry\\s+(\\w+)\\s*\\(([^)]*)\\)").matcher(ptx);
            while (entry.find()) {
                assertThat(names).containsKey(entry.group(1));
                assertThat(entry.group(2).split("\\.param")).as(entry.group(1)).hasSize(
                        names.get(entry.group(1)).size() + 1);
                kernels++;
            }
        }
        assertThat(kernels).isEqualTo(ofSources().size());
    }

    @Test
    void aKernelThatIsNotThereIsNamed() {
        assertThat(KernelModule.names("adam_w_f32")).startsWith("w", "m", "v", "g").endsWith("n");
        assertThatThrownBy(() -> KernelModule.names("nothing")).isInstanceOf(BackendException.class)
                .hasMessageStartingWith("kernels: no nothing in parameters.txt");
    }
}
