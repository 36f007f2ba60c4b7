package org.aimjvm.eval;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;

/**
 * Mean and covariance of the features of a set of pictures, in F64.
 *
 * @param count pictures
 * @param mean (features)
 * @param covariance (features, features), divided by count - 1
 */
public record FeatureStatistics(int count, double[] mean, double[][] covariance) {

    /**
     * Statistics of a table of features.
     *
     * @param features (count, dim), row by row. Not modified
     * @throws IllegalArgumentException for fewer than two rows
     */
    public static FeatureStatistics of(float[] features, int dim) {
        int count = features.length / dim;
        if (count < 2 || features.length % dim != 0) {
            throw new IllegalArgumentException(
                    "features: " + features.length + " values (expected at least two rows of " + dim + ")");
        }
        double[] mean = new double[dim];
        for (int i = 0; i < features.length; i++) {
            mean[i % dim] += features[i];
        }
        for (int c = 0; c < dim; c++) {
            mean[c] /= count;
        }
        double[][] covariance = new double[dim][dim];
        double[] centred = new double[dim];
        for (int r = 0; r < count; r++) {
            for (int c = 0; c < dim; c++) {
                centred[c] = features[r * dim + c] - mean[c];
            }
            for (int a = 0; a < dim; a++) {
                double[] row = covariance[a];
                for (int b = 0; b <= a; b++) {
                    row[b] += centred[a] * centred[b];
                }
            }
        }
        for (int a = 0; a < dim; a++) {
            for (int b = 0; b <= a; b++) {
                covariance[a][b] /= count - 1;
                covariance[b][a] = covariance[a][b];
            }
        }
        return new FeatureStatistics(count, mean, covariance);
    }

    /**
     * Frechet distance of the two normal distributions (Heusel et al. 2017, with other features):
     *
     * <pre>
     * |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1^1/2 C2 C1^1/2)^1/2)
     * </pre>
     *
     * The product under the outer root is symmetric, so both roots come from eigenvalues; those below zero by rounding
     * count as zero.
     *
     * @throws IllegalArgumentException if the numbers of features differ
     */
    public double frechetDistance(FeatureStatistics other) {
        int dim = mean.length;
        if (other.mean.length != dim) {
            throw new IllegalArgumentException("features: " + other.mean.length + " (expected " + dim + ")");
        }
        double distance = 0;
        for (int c = 0; c < dim; c++) {
            double d = mean[c] - other.mean[c];
            distance += d * d + covariance[c][c] + other.covariance[c][c];
        }
        RealMatrix root = root(new Array2DRowRealMatrix(covariance, false));
        RealMatrix product = root.multiply(new Array2DRowRealMatrix(other.covariance, false)).multiply(root);
        for (double eigenvalue : new EigenDecomposition(symmetric(product)).getRealEigenvalues()) {
            distance -= 2 * Math.sqrt(Math.max(0, eigenvalue));
        }
        return distance;
    }

    private static RealMatrix root(RealMatrix matrix) {
        EigenDecomposition e = new EigenDecomposition(matrix);
        double[] roots = e.getRealEigenvalues();
        for (int i = 0; i < roots.length; i++) {
            roots[i] = Math.sqrt(Math.max(0, roots[i]));
        }
        return symmetric(e.getV().multiply(MatrixUtils.createRealDiagonalMatrix(roots)).multiply(e.getVT()));
    }

    /** Removes what rounding has left of asymmetry, which would send the decomposition into its general case. */
    private static RealMatrix symmetric(RealMatrix m) {
        return m.add(m.transpose()).scalarMultiply(0.5);
    }
}
