package org.aimjvm.cli.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.aimjvm.command.Console;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a server on the loopback address: whole, resumed, refused, broken off, stalled. */
class DownloadTest {
    private static final Duration STALL = Duration.ofSeconds(20);

    private final byte[] content = new byte[300_000];
    private final List<String> ranges = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Console console = new Console(new PrintStream(new ByteArrayOutputStream()),
            new PrintStream(new ByteArrayOutputStream()), false);
    private HttpServer server;
    private String root;

    @TempDir private Path dir;

    @BeforeEach
    void startServer() throws IOException {
        new Random(1).nextBytes(content);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/ranges/f", exchange -> send(exchange, true));
        server.createContext("/whole/f", exchange -> send(exchange, false));
        server.createContext("/broken/f", this::breakOff);
        server.createContext("/stalled/f", this::stall);
        server.start();
        root = "http://" + server.getAddress().getHostString() + ":" + server.getAddress().getPort();
    }

    @AfterEach
    void stopServer() {
        ended.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private void send(HttpExchange exchange, boolean canResume) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        ranges.add(String.valueOf(range));
        int from = range == null || !canResume ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        try (exchange; OutputStream out = exchange.getResponseBody()) {
            if (from >= content.length) {
                exchange.sendResponseHeaders(416, -1);
                return;
            }
            exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
            out.write(content, from, content.length - from);
        }
    }

    /** Promises all, sends half and closes. */
    private void breakOff(HttpExchange exchange) throws IOException {
        exchange.sendResponseHeaders(200, content.length);
        exchange.getResponseBody().write(content, 0, content.length / 2);
        exchange.getResponseBody().flush();
        exchange.close();
    }

    /** Promises all, sends half and then nothing. */
    private void stall(HttpExchange exchange) throws IOException {
        exchange.sendResponseHeaders(200, content.length);
        exchange.getResponseBody().write(content, 0, content.length / 2);
        exchange.getResponseBody().flush();
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        exchange.close();
    }

    private boolean fetch(String path, Path part) throws Exception {
        return new Download(console, STALL).fetch(URI.create(root + path), part);
    }

    @Test
    void fetchesTheWholeFile() throws Exception {
        Path part = dir.resolve("f.part");
        assertThat(fetch("/ranges/f", part)).isFalse();
        assertThat(part).hasBinaryContent(content);
    }

    @Test
    void goesOnWhereAnEarlierCallStopped() throws Exception {
        Path part = Files.write(dir.resolve("f.part"), Arrays.copyOf(content, 1000));
        assertThat(fetch("/ranges/f", part)).isTrue();
        assertThat(part).hasBinaryContent(content);
        assertThat(ranges).containsExactly("bytes=1000-");
    }

    @Test
    void startsAnewWhereTheServerCannotResume() throws Exception {
        Path part = Files.write(dir.resolve("f.part"), new byte[1000]);
        assertThat(fetch("/whole/f", part)).isFalse();
        assertThat(part).hasBinaryContent(content);
    }

    @Test
    void startsAnewWhenThePartIsTooLong() throws Exception {
        Path part = Files.write(dir.resolve("f.part"), new byte[content.length + 5]);
        assertThat(fetch("/ranges/f", part)).isFalse();
        assertThat(part).hasBinaryContent(content);
        assertThat(ranges).hasSize(2);
    }

    @Test
    void keepsWhatCameWhenTheConnectionBreaks() throws Exception {
        Path part = dir.resolve("f.part");
        assertThatThrownBy(() -> fetch("/broken/f", part)).isInstanceOf(IOException.class)
                .hasMessageMatching(".*broke off after \\d+ bytes, expected 300000 \\(run again to go on\\)");
        long kept = Files.size(part); // what the client had handed over before it noticed
        assertThat(kept).isLessThanOrEqualTo(content.length / 2);
        assertThat(fetch("/ranges/f", part)).isEqualTo(kept > 0);
        assertThat(part).hasBinaryContent(content);
    }

    @Test
    void givesUpOnAConnectionThatStalls() {
        Path part = dir.resolve("f.part");
        assertThatThrownBy(
                () -> new Download(console, Duration.ofMillis(500)).fetch(URI.create(root + "/stalled/f"), part))
                .isInstanceOf(IOException.class).hasMessageContaining("broke off after 150000 bytes");
    }

    @Test
    void saysWhatTheServerAnswered() {
        assertThatThrownBy(() -> fetch("/none", dir.resolve("f.part"))).isInstanceOf(IOException.class)
                .hasMessage(root + "/none: HTTP status 404, expected 200");
    }

    @Test
    void saysThatNobodyAnswers() {
        server.stop(0);
        assertThatThrownBy(() -> fetch("/ranges/f", dir.resolve("f.part"))).isInstanceOf(IOException.class)
                .hasMessageStartingWith(root + "/ranges/f: no answer (");
    }
}
