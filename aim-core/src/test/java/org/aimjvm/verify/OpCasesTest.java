package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("backends")
class OpCasesTest {
    private static final Backend REFERENCE = Backends.open("scalar", 1);
    private static final List<Backend> BACKENDS = TestBackends.available();

    static Stream<Arguments> casesOnBackends() {
        return BACKENDS.stream().flatMap(b -> OpCases.all().stream().map(c -> Arguments.of(b, c)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("casesOnBackends")
    void equalsScalarReference(Backend backend, OpCase c) {
        assertThat(OpCheck.againstReference(c, backend, REFERENCE)).isNull();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("casesOnBackends")
    void gradientEqualsFiniteDifferences(Backend backend, OpCase c) {
        assertThat(OpCheck.gradients(c, backend)).isNull();
    }
}
