package org.aimjvm.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.aimjvm.AiM;
import org.aimjvm.io.Images;
import org.aimjvm.sample.GenerationListener;

/**
 * Watches a picture grow, row of codes by row of codes, and stops it half-way. Arguments: the folder to write to and
 * the rows to wait for; without the second the picture is finished.
 */
public final class WatchAPicture {
    private WatchAPicture() {}

    public static void main(String[] args) throws IOException {
        run(Path.of(args.length > 0 ? args[0] : "."), args.length > 1 ? Integer.parseInt(args[1]) : Integer.MAX_VALUE);
    }

    /**
     * Writes {@code row-1.png}, {@code row-2.png}, ...
     *
     * @param rows how many to wait for
     * @return whether the picture was finished
     */
    static boolean run(Path folder, int rows) throws IOException {
        Files.createDirectories(folder);
        AiM aim = AiM.load("fashion");
        Watcher watcher = new Watcher(folder, aim.tokenizer().config().outChannels(), aim.pictureSize(), rows);
        try {
            aim.generate(List.of(aim.label("dress")), aim.defaults().withCount(1), watcher);
            return true;
        } catch (CancellationException e) {
            // Stopping is no failure: nothing is broken or half open, and the model serves the next call. Interrupting
            // the thread, e.g. by Future.cancel(true), ends a generation in the same way.
            System.out.println("stopped after row " + watcher.done);
            return false;
        }
    }

    /**
     * Told about everything on the thread that generates, so it needs no locks, and its time is the generation's too.
     */
    private static final class Watcher implements GenerationListener {
        private final Path folder;
        private final int channels;
        private final int side;
        private final int rows;
        private int done;

        Watcher(Path folder, int channels, int side, int rows) {
            this.folder = folder;
            this.channels = channels;
            this.side = side;
            this.rows = rows;
        }

        @Override
        public void onRow(int row, PartialPictures partial) {
            done = row;
            // Codes are not pixels: the tokenizer has to decode what there is. That is done on request only, because it
            // costs as much as decoding a finished picture; a server would do it for some of the rows.
            float[] pixels = partial.decode(0);
            try {
                Images.writePng(
                        folder.resolve("row-" + row + ".png"), Images.fromFloats(pixels, 0, channels, side, side));
            } catch (IOException e) {
                throw new UncheckedIOException(e); // ends the generation and reaches its caller
            }
        }

        /** Asked before every code, so that a generation ends within one step of the wish. */
        @Override
        public boolean isCancelled() {
            return done >= rows;
        }
    }
}
