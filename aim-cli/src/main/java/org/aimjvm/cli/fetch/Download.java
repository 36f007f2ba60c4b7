package org.aimjvm.cli.fetch;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.aimjvm.command.Console;
import org.aimjvm.command.Progress;

/**
 * Fetches a file over HTTP into a partial file that a later call goes on with (a Range request). Whether the result is
 * what was wanted is for the caller to check.
 */
public final class Download {
    /** Without a byte for this long, a connection counts as dead. */
    public static final Duration STALL = Duration.ofSeconds(60);

    private static final int BUFFER = 1 << 16;
    private static final int OK = 200;
    private static final int PARTIAL = 206;
    private static final int RANGE_NOT_SATISFIABLE = 416;

    private final Console console;
    private final Duration stall;

    public Download(Console console, Duration stall) {
        this.console = console;
        this.stall = stall;
    }

    /**
     * Fetches {@code address} into {@code part}, appending to what is there if the server can.
     *
     * @return whether bytes of an earlier call are part of the result
     * @throws IOException if the server cannot be reached, does not have the file, or stops sending; what came stays in
     *     {@code part}
     */
    public boolean fetch(URI address, Path part) throws IOException, InterruptedException {
        try (FileChannel file = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = file.tryLock();
                HttpClient client = HttpClient.newBuilder()
                        .followRedirects(HttpClient.Redirect.NORMAL)
                        .connectTimeout(stall)
                        .build()) {
            if (lock == null) {
                throw new IOException(part + ": in use by another download, expected none (wait for it)");
            }
            long have = file.size();
            HttpResponse<InputStream> response = request(client, address, have);
            if (have > 0 && response.statusCode() == RANGE_NOT_SATISFIABLE) { // have it all, or more than all
                response.body().close();
                have = 0;
                response = request(client, address, 0);
            }
            boolean resumed = have > 0 && response.statusCode() == PARTIAL;
            if (response.statusCode() != OK && !resumed) {
                response.body().close();
                throw new IOException(address + ": HTTP status " + response.statusCode() + ", expected 200");
            }
            file.truncate(resumed ? have : 0);
            file.position(file.size());
            receive(address, response, file);
            return resumed;
        } finally {
            if (Files.exists(part) && Files.size(part) == 0) { // nothing to go on with
                Files.delete(part);
            }
        }
    }

    private HttpResponse<InputStream> request(HttpClient client, URI address, long have)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(stall);
        if (have > 0) {
            request.header("Range", "bytes=" + have + "-");
        }
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (IOException e) {
            String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new IOException(address + ": no answer (" + why + "), expected a web server; is there a network?", e);
        }
    }

    private void receive(URI address, HttpResponse<InputStream> response, FileChannel file) throws IOException {
        long rest = response.headers().firstValueAsLong("Content-Length").orElse(-1);
        String name = Path.of(address.getPath()).getFileName().toString();
        AtomicLong received = new AtomicLong();
        try (InputStream in = response.body();
                ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor();
                Progress progress = console.progressOfBytes(name, rest < 0 ? -1 : file.size() + rest)) {
            closeWhenStalled(watch, in, received);
            progress.to(file.size());
            byte[] buffer = new byte[BUFFER];
            try {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
                    while (bytes.hasRemaining()) {
                        file.write(bytes);
                    }
                    received.addAndGet(n);
                    progress.advance(n);
                }
            } catch (IOException e) {
                throw new IOException(address + ": broke off after " + file.size() + " bytes, expected "
                        + (rest < 0 ? "more" : file.size() - received.get() + rest) + " (run again to go on)", e);
            } finally {
                watch.shutdownNow();
            }
        }
    }

    /**
     * Closes {@code in} once {@code received} has not grown for the stall time, so that the reader gets an exception.
     */
    private void closeWhenStalled(ScheduledExecutorService watch, InputStream in, AtomicLong received) {
        AtomicLong before = new AtomicLong(-1);
        watch.scheduleAtFixedRate(() -> {
            if (before.getAndSet(received.get()) == received.get()) {
                try {
                    in.close();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }, stall.toMillis(), stall.toMillis(), TimeUnit.MILLISECONDS);
    }
}
