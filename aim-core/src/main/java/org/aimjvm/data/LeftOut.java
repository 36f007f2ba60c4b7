package org.aimjvm.data;

/**
 * A file or folder that a data set does without.
 *
 * @param path relative to the data folder, with slashes
 * @param reason why, such as "permission denied"
 */
public record LeftOut(String path, String reason) {
    @Override
    public String toString() {
        return path + ": " + reason;
    }
}
