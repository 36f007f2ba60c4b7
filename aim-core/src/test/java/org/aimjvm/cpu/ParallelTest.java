package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.aimjvm.cpu.memory.Parallel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every element is computed once, whatever threads do, and what was captured is replayed. */
class ParallelTest {
    /** Adds 1 to elements, in pieces that must not overlap. */
    private static Parallel.Body increment(int[] counts) {
        return (from, to) -> {
            for (int i = from; i < to; i++) {
                counts[i]++;
            }
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 16}) // more than there are cores, too
    void everyElementIsComputedOnceInEveryLaunch(int threads) {
        Parallel parallel = new Parallel(threads);
        SplittableRandom random = new SplittableRandom(threads);
        for (int launch = 0; launch < 20_000; launch++) {
            int n = random.nextInt(1, 40);
            int grain = random.nextInt(1, 6);
            int[] counts = new int[n];
            parallel.forRange(n, grain, increment(counts));
            int[] ones = new int[n];
            Arrays.fill(ones, 1);
            assertThat(counts).as("n %d, grain %d", n, grain).isEqualTo(ones);
        }
    }

    @Test
    void piecesStartAtMultiplesOfTheGrain() {
        Parallel parallel = new Parallel(2);
        int[] ends = new int[10];
        parallel.forRange(10, 4, (from, to) -> ends[from] = to);
        assertThat(ends).containsExactly(4, 0, 0, 0, 8, 0, 0, 0, 10, 0);
        parallel.forRange(0, 4, (from, to) -> ends[from] = -1);
        assertThat(ends[0]).isEqualTo(4);
    }

    @Test
    void sleepingWorkersWakeUp() throws InterruptedException {
        Parallel parallel = new Parallel(3);
        for (int i = 0; i < 30; i++) {
            Thread.sleep(2); // far longer than workers spin
            List<String> names = Collections.synchronizedList(new ArrayList<>());
            AtomicInteger inside = new AtomicInteger();
            parallel.forRange(3, 1, (from, to) -> {
                names.add(Thread.currentThread().getName());
                inside.incrementAndGet();
                while (inside.get() < 3) { // ends only with all three threads at work
                    Thread.onSpinWait();
                }
            });
            assertThat(names).doesNotHaveDuplicates().hasSize(3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void whatABodyThrowsReachesTheCallerAndTheNextLaunchWorks(int threads) {
        Parallel parallel = new Parallel(threads);
        for (RuntimeException e : new RuntimeException[] {new IllegalArgumentException("a"),
            new IllegalStateException("b")}) {
            assertThatThrownBy(() -> parallel.forRange(8, 1, (from, to) -> {
                if (from == 5) {
                    throw e;
                }
            })).isSameAs(e);
        }
        assertThatThrownBy(() -> parallel.forRange(8, 1, (from, to) -> {
            throw new StackOverflowError();
        })).isInstanceOf(StackOverflowError.class);
        int[] counts = new int[8];
        parallel.forRange(8, 1, increment(counts));
        assertThat(counts).containsOnly(1);
    }

    @Test
    void launchesFromBodiesAndFromOtherThreadsComplete() throws InterruptedException {
        Parallel parallel = new Parallel(2);
        int[][] counts = new int[4][64];
        Thread[] callers = new Thread[counts.length];
        for (int c = 0; c < callers.length; c++) {
            int[] mine = counts[c];
            callers[c] = new Thread(() -> {
                for (int i = 0; i < 2000; i++) {
                    parallel.forRange(8, 1, (from, to) -> parallel.forRange(8, 3, (f, t) -> {
                        for (int j = f; j < t; j++) {
                            mine[from * 8 + j]++;
                        }
                    }));
                }
            });
            callers[c].start();
        }
        for (Thread caller : callers) {
            caller.join();
        }
        for (int[] mine : counts) {
            assertThat(mine).containsOnly(2000);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void whatWasCapturedIsReplayedInItsOrder(int threads) {
        Parallel parallel = new Parallel(threads);
        int[] x = {1, 2, 3, 4, 5};
        Runnable replay = parallel.capture(() -> {
            parallel.forRange(5, 2, (from, to) -> {
                for (int i = from; i < to; i++) {
                    x[i] *= 2;
                }
            });
            // replayed with its body, not twice
            parallel.forRange(1, 1, (from, to) -> parallel.forRange(5, 2, (f, t) -> {
                for (int i = f; i < t; i++) {
                    x[i]++;
                }
            }));
        });
        assertThat(x).containsExactly(3, 5, 7, 9, 11);
        parallel.forRange(5, 2, increment(x)); // not part of it
        replay.run();
        assertThat(x).containsExactly(9, 13, 17, 21, 25);
        replay.run();
        assertThat(x).containsExactly(19, 27, 35, 43, 51);
    }

    @Test
    void aCaptureHasTheLaunchesOfItsThreadOnly() throws InterruptedException {
        Parallel parallel = new Parallel(2);
        int[] mine = new int[9];
        int[] others = new int[9];
        Runnable replay = parallel.capture(() -> {
            Thread other = new Thread(() -> parallel.forRange(9, 2, increment(others)));
            other.start();
            try {
                other.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            parallel.forRange(9, 2, increment(mine));
        });
        replay.run();
        assertThat(mine).containsOnly(2);
        assertThat(others).containsOnly(1);
    }

    @Test
    void aCaptureInsideAnotherOrOneThatFailsLeavesNothingBehind() {
        Parallel parallel = new Parallel(1);
        assertThatThrownBy(() -> parallel.capture(() -> parallel.capture(() -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inside another capture");
        assertThat(parallel.isCapturing()).isFalse();
        assertThatThrownBy(() -> parallel.capture(() -> parallel.forRange(1, 1, (from, to) -> {
            throw new IllegalArgumentException("body");
        }))).hasMessage("body");
        int[] x = new int[1];
        Runnable replay = parallel.capture(() -> parallel.forRange(1, 1, increment(x)));
        replay.run();
        assertThat(x[0]).isEqualTo(2);
    }

    @Test
    void replayingAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Parallel parallel = new Parallel(3);
        int[] x = new int[100];
        Runnable replay = parallel.capture(() -> {
            for (int i = 0; i < 100; i++) {
                parallel.forRange(100, 30, increment(x));
            }
        });
        replay.run();
        long before = threads.getTotalThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
            replay.run();
        }
        // other threads of this JVM may allocate: less than a byte a launch is none
        assertThat(threads.getTotalThreadAllocatedBytes() - before).isLessThan(10_000);
    }
}
