package org.aimjvm.cli.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.Picture;

/**
 * Where generated pictures go, one by one. Nothing appears before {@link #commit}; closing it earlier leaves nothing.
 */
public interface PictureOutput extends AutoCloseable {
    /** Takes the next picture. */
    void add(Picture picture) throws IOException;

    /**
     * Puts everything in place.
     *
     * @return the files that appeared
     */
    List<Path> commit() throws IOException;

    /** Removes what was not committed. */
    @Override
    void close() throws IOException;
}
