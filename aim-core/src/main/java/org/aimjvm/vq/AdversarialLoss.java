package org.aimjvm.vq;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.affine;
import static org.aimjvm.op.elementwise.ArithmeticOp.scale;
import static org.aimjvm.op.elementwise.PointwiseOp.relu;
import static org.aimjvm.op.elementwise.PointwiseOp.softplus;

import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Tensor;

/**
 * What a discriminator and a generator make small, from the discriminator's logits; positive logits mean real. Means are
 * over all logits.
 */
public enum AdversarialLoss {
    /** {@code D: (mean relu(1 - real) + mean relu(1 + fake)) / 2; G: -mean fake} (Lim and Ye 2017). */
    HINGE,
    /** {@code D: (mean softplus(-real) + mean softplus(fake)) / 2; G: -mean fake}. */
    VANILLA,
    /** D as {@link #VANILLA}; {@code G: mean softplus(-fake)} (Goodfellow et al. 2014). */
    NON_SATURATING;

    /** The discriminator's loss, a scalar. */
    public Tensor ofDiscriminator(Tensor real, Tensor fake) {
        Tensor ofReal = this == HINGE ? relu(affine(real, -1, 1)) : softplus(scale(real, -1));
        Tensor ofFake = this == HINGE ? relu(affine(fake, 1, 1)) : softplus(fake);
        return scale(add(ReduceOp.mean(ofReal), ReduceOp.mean(ofFake)), 0.5f);
    }

    /** The generator's loss, a scalar. */
    public Tensor ofGenerator(Tensor fake) {
        return this == NON_SATURATING
                ? ReduceOp.mean(softplus(scale(fake, -1)))
                : scale(ReduceOp.mean(fake), -1);
    }

    /**
     * The factor that gives the adversarial loss a gradient as large as the other losses' (Esser et al. 2021): {@code
     * |gradOther| / (|gradAdversarial| + 1e-4)}, at most 1e4, with gradients at the decoder's last convolution.
     */
    public static float adaptiveWeight(Tensor gradOther, Tensor gradAdversarial) {
        double ratio = norm(gradOther) / (norm(gradAdversarial) + 1e-4);
        return (float) Math.min(1e4, ratio);
    }

    private static double norm(Tensor gradient) {
        return Math.sqrt(gradient.backend().elementwise().sumOfSquares(gradient.storage(), gradient.size()));
    }
}
