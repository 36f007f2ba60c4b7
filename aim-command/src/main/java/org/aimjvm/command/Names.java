package org.aimjvm.command;

import java.util.Locale;

/** How enum values are spelled on the command line. */
public final class Names {
    private Names() {}

    /** {@code LM_DECODE} as {@code lm-decode}. */
    public static String of(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
