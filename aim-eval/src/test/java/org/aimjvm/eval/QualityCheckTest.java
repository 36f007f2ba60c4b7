package org.aimjvm.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.data.ArrayPictures;
import org.aimjvm.data.PictureSource;
import org.aimjvm.feature.Accuracy;
import org.aimjvm.feature.Classifier;
import org.aimjvm.feature.ClassifierConfig;
import org.aimjvm.nn.Params;
import org.aimjvm.train.ClassifierTrainer;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TinyRuns;
import org.aimjvm.train.TinyRuns.Recorder;
import org.junit.jupiter.api.Test;

class QualityCheckTest {
    private static final PictureSource PICTURES = TinyRuns.squares(36);

    private static ArrayPictures copy(PictureSource source, float noise) {
        int size = source.pictureSize();
        float[] pixels = new float[source.size() * size];
        int[] labels = new int[source.size()];
        for (int i = 0; i < labels.length; i++) {
            source.read(i, 0, pixels, i * size);
            labels[i] = source.label(i);
        }
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] += noise * (float) random.nextDouble(-1, 1);
        }
        return new ArrayPictures(
                source.channels(), source.height(), source.width(), source.classNames(), labels, pixels);
    }

    @Test
    void classifierLearnsAndItsFiguresDoNotDependOnTheBatch() {
        Classifier classifier = new Classifier(Params.random(TinyRuns.BACKEND, 1), new ClassifierConfig(1, 8, 3, 8, 6));
        Recorder recorder = new Recorder();
        new ClassifierTrainer(
                classifier,
                PICTURES,
                PICTURES,
                TinyRuns.recipe(20, 12, 1, 1e-2),
                new RunOptions(null, 0, 1, 20, 0, 0),
                recorder)
                .run();
        assertThat(recorder.validations.getFirst().get("accuracy")).isEqualTo(1);
        Accuracy accuracy = Accuracy.of(classifier, PICTURES, 5, 0);
        assertThat(accuracy.count()).containsExactly(12, 12, 12);
        assertThat(accuracy.total()).isEqualTo(1);
        assertThat(accuracy.of(2)).isEqualTo(1);

        FeatureStatistics a = QualityCheck.features(classifier, PICTURES, 36);
        FeatureStatistics b = QualityCheck.features(classifier, PICTURES, 7);
        assertThat(a.mean()).isEqualTo(b.mean());
        assertThat(a.frechetDistance(b)).isCloseTo(0, within(1e-6));
        double near = a.frechetDistance(QualityCheck.features(classifier, copy(PICTURES, 0.2f), 36));
        double far = a.frechetDistance(QualityCheck.features(classifier, copy(PICTURES, 1f), 36));
        assertThat(near).isPositive().isLessThan(far);
    }

    @Test
    void frechetDistanceOfKnownDistributions() {
        // diagonal covariances: |m1 - m2|^2 + sum of (s1 - s2)^2
        FeatureStatistics a = new FeatureStatistics(9, new double[] {1, 2}, new double[][] {{4, 0}, {0, 9}});
        FeatureStatistics b = new FeatureStatistics(9, new double[] {4, -2}, new double[][] {{1, 0}, {0, 25}});
        assertThat(a.frechetDistance(b)).isCloseTo(9 + 16 + 1 + 4, within(1e-12));
        // C2 = Q C1 Q^T with a rotation by 45 degrees; trace of the root by hand: eigenvalues of C1 C2 are 13 and 4
        // product 36
        FeatureStatistics c = new FeatureStatistics(9, new double[] {1, 2}, new double[][] {{6.5, -2.5}, {-2.5, 6.5}});
        double trace = Math.sqrt(4 * 6.5 + 9 * 6.5 + 2 * Math.sqrt(36 * 36)); // (tr M^1/2)^2 = tr M + 2 sqrt(det M)
        assertThat(a.frechetDistance(c)).isCloseTo(13 + 13 - 2 * trace, within(1e-9));
        assertThat(c.frechetDistance(a)).isCloseTo(a.frechetDistance(c), within(1e-9));
        // a degenerate one
        FeatureStatistics zero = new FeatureStatistics(9, new double[2], new double[2][2]);
        assertThat(zero.frechetDistance(a)).isCloseTo(5 + 13, within(1e-9));
    }

    @Test
    void statisticsOfATable() {
        FeatureStatistics s = FeatureStatistics.of(new float[] {1, 2, 3, 6, 5, 4}, 2);
        assertThat(s.mean()).containsExactly(3, 4);
        assertThat(Arrays.deepToString(s.covariance())).isEqualTo("[[4.0, 2.0], [2.0, 4.0]]");
        assertThatThrownBy(() -> FeatureStatistics.of(new float[] {1, 2}, 2))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void psnrOfAKnownError() {
        ArrayPictures x = new ArrayPictures(1, 1, 2, PICTURES.classNames(), new int[] {0}, new float[] {0, 1});
        ArrayPictures y = new ArrayPictures(1, 1, 2, PICTURES.classNames(), new int[] {0}, new float[] {0.2f, 3});
        assertThat(QualityCheck.psnr(x, y)).isCloseTo(10 * Math.log10(4 / 0.02), within(1e-5));
        assertThat(QualityCheck.psnr(x, x)).isInfinite();
    }

    @Test
    void findsTheNearestNeighbour() {
        PictureSource noisy = copy(PICTURES, 0.001f);
        for (int block : new int[] {5, 36}) {
            QualityCheck.Neighbour[] found = QualityCheck.nearest(TinyRuns.BACKEND, noisy, PICTURES, block);
            for (int i = 0; i < found.length; i++) {
                assertThat(found[i].index()).isEqualTo(i);
                assertThat(found[i].distance()).isBetween(1e-9, 1e-6);
            }
        }
    }
}
