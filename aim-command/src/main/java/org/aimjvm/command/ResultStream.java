package org.aimjvm.command;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.charset.Charset;

/**
 * Standard output that remembers why it failed: that a reader such as {@code head} has read enough and left is no error
 * to tell, a full disk is.
 */
public final class ResultStream extends PrintStream {
    private final Remembering target;

    private ResultStream(Remembering target, Charset charset) {
        super(new BufferedOutputStream(target), true, charset);
        this.target = target;
    }

    /** The standard output of this process, in the character set that the JVM has chosen for it. */
    static ResultStream ofProcess() {
        return of(new FileOutputStream(FileDescriptor.out), System.out.charset());
    }

    static ResultStream of(OutputStream target, Charset charset) {
        return new ResultStream(new Remembering(target), charset);
    }

    /** Whether writing failed because the other end of a pipe is closed. */
    public boolean readerHasLeft() {
        return checkError() && target.failure != null && brokenPipe().equals(target.failure.getMessage());
    }

    /**
     * The message of writing into a closed pipe: in the language of the locale, so it is asked for rather than known.
     */
    private static String brokenPipe() {
        try {
            Pipe pipe = Pipe.open();
            pipe.source().close();
            try (Pipe.SinkChannel sink = pipe.sink()) {
                sink.write(ByteBuffer.wrap(new byte[1]));
            }
            return "";
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** Keeps the first failure, which a {@link PrintStream} swallows. */
    private static final class Remembering extends FilterOutputStream {
        private IOException failure;

        private Remembering(OutputStream target) {
            super(target);
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            try {
                out.write(bytes, from, count);
            } catch (IOException e) {
                if (failure == null) {
                    failure = e;
                }
                throw e;
            }
        }
    }
}
