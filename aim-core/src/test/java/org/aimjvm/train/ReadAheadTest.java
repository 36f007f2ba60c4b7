package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.train.VqOptions.Reconstruction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReadAheadTest {
    private static List<MicroBatch> batches(int count) {
        return IntStream.range(0, count).mapToObj(i -> new MicroBatch(i, 0, 0, new int[] {i})).toList();
    }

    @Test
    void batchesComeInOrderAndFromAnotherThread() {
        Thread here = Thread.currentThread();
        try (ReadAhead<String> ahead = new ReadAhead<>(batches(50).iterator(), rows -> {
            assertThat(Thread.currentThread()).isNotSameAs(here);
            return "batch " + rows.step();
        })) {
            for (int i = 0; i < 50; i++) {
                ReadAhead.Batch<String> next = ahead.next();
                assertThat(next.rows().step()).isEqualTo(i);
                assertThat(next.content()).isEqualTo("batch " + i);
            }
        }
    }

    @Test
    void onlyAFewAreReadAhead() throws InterruptedException {
        AtomicInteger read = new AtomicInteger();
        try (ReadAhead<Integer> ahead = new ReadAhead<>(batches(50).iterator(), rows -> read.incrementAndGet())) {
            for (int i = 0; i < 100 && read.get() < 3; i++) {
                Thread.sleep(10);
            }
            Thread.sleep(50);
            assertThat(read.get()).isEqualTo(3); // two wait, one is being put
            ahead.next();
        }
        int atEnd = read.get();
        Thread.sleep(50);
        assertThat(read.get()).isEqualTo(atEnd).isLessThan(50);
    }

    @Test
    void whatGoesWrongReachesTheStepThatNeedsTheBatch() {
        for (Throwable wrong : List.of(new IllegalStateException("picture 2"), new OutOfMemoryError("picture 2"))) {
            try (ReadAhead<Integer> ahead = new ReadAhead<>(batches(9).iterator(), rows -> {
                if (rows.step() == 2) {
                    if (wrong instanceof Error e) {
                        throw e;
                    }
                    throw (IllegalStateException) wrong;
                }
                return rows.step();
            })) {
                assertThat(ahead.next().content()).isZero();
                assertThat(ahead.next().content()).isEqualTo(1);
                assertThatThrownBy(ahead::next).isSameAs(wrong);
                assertThatThrownBy(ahead::next).as("again, not waiting for more").isSameAs(wrong);
            }
        }
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void anOrderThatFailsOrEndsIsToldToo() {
        Error full = new OutOfMemoryError("order of an epoch");
        Iterator<MicroBatch> order = batches(9).stream().peek(rows -> {
            if (rows.step() == 2) {
                throw full;
            }
        }).iterator(); // which makes the batch when it is asked whether there is one
        try (ReadAhead<Integer> ahead = new ReadAhead<>(order, MicroBatch::step)) {
            assertThat(ahead.next().content()).isZero();
            assertThat(ahead.next().content()).isEqualTo(1);
            assertThatThrownBy(ahead::next).isSameAs(full);
        }
        try (ReadAhead<Integer> ahead = new ReadAhead<>(batches(1).iterator(), MicroBatch::step)) {
            assertThat(ahead.next().content()).isZero();
            assertThatThrownBy(ahead::next).isInstanceOf(NoSuchElementException.class);
            assertThatThrownBy(ahead::next).isInstanceOf(NoSuchElementException.class);
        }
    }

    @Test
    void anInterruptLosesNoBatchAndDoesNotReachTheReader() throws InterruptedException {
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger interrupted = new AtomicInteger();
        try (ReadAhead<Integer> ahead = new ReadAhead<>(batches(3).iterator(), rows -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                interrupted.incrementAndGet();
            }
            return rows.step();
        })) {
            Thread.currentThread().interrupt();
            Thread.startVirtualThread(go::countDown);
            assertThat(ahead.next().content()).isZero();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(ahead.next().content()).isEqualTo(1);
            Thread.currentThread().interrupt();
        }
        assertThat(Thread.interrupted()).isTrue();
        assertThat(interrupted).hasValue(0);
    }

    @Test
    void anInterruptedRunStopsAfterItsStepAndSaves(@TempDir Path dir) {
        VqOptions options = VqOptions.builder(TinyRuns.recipe(9, 8, 1, 3e-3)).reconstruction(Reconstruction.L1)
                .reviveAfter(3).build();
        Recorder recorder = new Recorder() {
            @Override
            public void onStep(TrainMetrics metrics) {
                super.onStep(metrics);
                if (metrics.step() == 4) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        VqTrainer trainer =
                TinyRuns.vq(TinyRuns.squares(30), options, new RunOptions(dir, 0, 1, 0, 0, 0), recorder);
        assertThat(trainer.run()).isFalse();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(trainer.step()).isEqualTo(4);
        assertThat(recorder.events).endsWith("checkpoint 4");
    }

    @Test
    void anInterruptAmidCheckpointValidationOrSampleIsAStopToo(@TempDir Path dir) {
        for (String amid : List.of("checkpoint", "validation", "sample")) {
            VqOptions options = VqOptions.builder(TinyRuns.recipe(9, 8, 1, 3e-3)).reconstruction(Reconstruction.L1)
                    .reviveAfter(3).build();
            Recorder recorder = new Recorder() {
                private boolean again;

                @Override
                public void onEpoch(int epoch) { // the checkpoint comes next
                    super.onEpoch(epoch);
                    if (amid.equals("checkpoint")) {
                        Thread.currentThread().interrupt();
                    }
                }

                @Override
                public void onValidation(int step, Map<String, Double> measures) {
                    failOnce("validation");
                    super.onValidation(step, measures);
                }

                @Override
                public void onSample(int step) {
                    failOnce("sample");
                    events.add("sample " + step);
                }

                private void failOnce(String where) {
                    if (amid.equals(where) && !again) {
                        again = true;
                        Thread.currentThread().interrupt();
                        throw new CancellationException("as what reads files or draws pictures then does");
                    }
                }
            };
            VqTrainer trainer = TinyRuns.vq(
                    TinyRuns.squares(30), options, new RunOptions(dir.resolve(amid), 3, 1, 3, 0, 3), recorder);
            assertThat(trainer.run()).as(amid).isFalse();
            assertThat(Thread.interrupted()).as(amid).isTrue();
            assertThat(trainer.step()).as(amid).isEqualTo(3);
            assertThat(recorder.events).as(amid).contains("checkpoint 3", "validation 3", "sample 3");
        }
    }
}
