package org.aimjvm.model;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The published architectures (AiM paper, table 1). */
public final class AimPresets {
    private static final Map<String, AimConfig> PRESETS = new TreeMap<>(Map.of(
            "aim-b", AimConfig.mamba2(768, 24, 0),
            "aim-l", AimConfig.mamba2(1024, 48, 4),
            "aim-xl", AimConfig.mamba2(1536, 48, 4),
            "aim-1b", AimConfig.mamba2(2048, 48, 4)));

    private AimPresets() {}

    /** Names, sorted. */
    public static List<String> names() {
        return List.copyOf(PRESETS.keySet());
    }

    /**
     * The architecture of that name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static AimConfig get(String name) {
        AimConfig c = PRESETS.get(name);
        if (c == null) {
            throw new IllegalArgumentException("preset: " + name + " (expected one of " + names() + ")");
        }
        return c;
    }
}
