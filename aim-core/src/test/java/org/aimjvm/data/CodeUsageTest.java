package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class CodeUsageTest {
    private static final int CODES = 4;

    private static CodeUsage used() {
        CodeUsage usage = new CodeUsage(3, CODES);
        usage.add(5, new int[] {0, 2, 2, 1});
        return usage;
    }

    @Test
    void whatIsSavedIsRestored() {
        CodeUsage usage = used();
        assertThat(usage.windowAsFloats()).containsExactly(2, 2, 1);
        assertThat(usage.lastUsed()).containsExactly(5, 5, 5, -1);
        CodeUsage restored = new CodeUsage(3, CODES);
        restored.restore(usage.windowAsFloats(), usage.lastUsed());
        assertThat(restored.windowAsFloats()).isEqualTo(usage.windowAsFloats());
        assertThat(restored.lastUsed()).isEqualTo(usage.lastUsed());
        assertThat(restored.usage()).isEqualTo(0.5);
    }

    private static void refused(float[] window, int[] lastUsed, String message) {
        CodeUsage usage = used();
        assertThatThrownBy(() -> usage.restore(window, lastUsed)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
        assertThat(usage.windowAsFloats()).containsExactly(2, 2, 1);
        assertThat(usage.lastUsed()).containsExactly(5, 5, 5, -1);
    }

    @Test
    void whatCannotHaveBeenSavedIsRefusedAndChangesNothing() {
        int[] steps = {0, 1, 2, -1};
        float[] codes = {0, 3, 1};
        refused(new float[2], steps, "window of 2 of 4 codes (expected 3 of 4)");
        refused(codes, new int[5], "window of 3 of 5 codes (expected 3 of 4)");
        refused(new float[] {0, 4, 1}, steps, "code in the window: 4.0 (expected 0 to 3)");
        refused(new float[] {0, -1, 1}, steps, "code in the window: -1.0 (expected 0 to 3)");
        refused(new float[] {0, 1.5f, 1}, steps, "code in the window: 1.5 (expected 0 to 3)");
        refused(new float[] {0, Float.NaN, 1}, steps, "code in the window: NaN (expected 0 to 3)");
        refused(codes, new int[] {0, -2, 0, 0}, "step of last use: -2 (expected at least 0, or -1)");
    }
}
