package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;

/** The golden data in the test resources, and the backends that can be used here. */
final class GoldenData {
    private GoldenData() {}

    /** System property with the folder, where these tests run from a jar. */
    private static final String FOLDER = "aim.test.golden";

    static Path root() {
        String folder = System.getProperty(FOLDER);
        if (folder != null) {
            return Path.of(folder);
        }
        URL url = GoldenData.class.getResource("/golden");
        assertThat(url).isNotNull();
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            return fail("golden data", e);
        }
    }

    static Backend scalar() {
        return Backends.open("scalar", 1);
    }

    /** Copies a case into {@code target}. Returns the folder of the copy. */
    static Path copy(String name, Path target) throws IOException {
        Path from = root().resolve(name);
        Path to = Files.createDirectories(target.resolve(name));
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }
}
