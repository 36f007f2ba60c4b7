package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Operations of the published models at their widths; minutes, and so in the profile {@code long} only. */
@Tag("long")
class ModelCasesTest {
    private static final Backend REFERENCE = Backends.open("scalar", 1);

    static Stream<Arguments> casesOnBackends() {
        return TestBackends.available().stream().filter(b -> !b.name().equals("scalar"))
                .flatMap(b -> OpCases.ofModels().stream().map(c -> Arguments.of(b, c)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("casesOnBackends")
    void equalsScalarReference(Backend backend, OpCase c) {
        assertThat(OpCheck.againstReference(c, backend, REFERENCE)).isNull();
    }
}
