package org.aimjvm.verify;

import java.util.List;
import java.util.Locale;

/**
 * The result of {@link GoldenVerifier} for one case.
 *
 * @param name folder of the case relative to where the search began, e.g. {@code kernels/ssd_len7}
 * @param status verdict
 * @param checks arrays, files and decodings compared
 * @param skipped what was not compared, and why
 * @param worst greatest error in units of its tolerance: above 1 is a failure, infinite where exactness was asked for
 * @param worstCheck which comparison that was; empty if none was made
 * @param message why it failed or was skipped; empty for a pass
 */
public record CaseResult(
        String name, Status status, int checks, List<Skip> skipped, double worst, String worstCheck, String message) {

    /** Verdict on a case. */
    public enum Status {
        /** Something was compared, and all of it agrees. */
        PASS,
        /** Something disagrees, or the case is damaged. */
        FAIL,
        /** Nothing was compared. */
        SKIPPED
    }

    /** Something not compared: an array, a file, a name in a file. */
    public record Skip(String what, String reason) {
        @Override
        public String toString() {
            return what + ": " + reason;
        }
    }

    /** Copies the list. */
    public CaseResult {
        skipped = List.copyOf(skipped);
    }

    /** One line: verdict, name, counts, worst error. */
    @Override
    public String toString() {
        String counts =
                String.format(Locale.ROOT, "%-7s %-34s %3d checked, %d skipped", status, name, checks, skipped.size());
        String error = worstCheck.isEmpty()
                ? ""
                : String.format(Locale.ROOT, ", worst %.3g of the tolerance (%s)", worst, worstCheck);
        return counts + error + (message.isEmpty() ? "" : ": " + message);
    }
}
