package org.aimjvm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The build starts test JVMs as it says: JDK 25 or newer even when Maven runs on an older one, SIMD width as asked. */
@EverySimdWidth
class TestJvmTest {
    @Test
    void testsRunOnTheToolchainJdk() {
        assertThat(Runtime.version().feature()).isGreaterThanOrEqualTo(25);
    }
}
