package org.aimjvm.op.norm;

import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.tensor.Tensor;

/**
 * A sum of streams, normalised and modulated, with which a mixer or MLP begins ({@link ResidualNormOp}). Where a device
 * could compute it together with the layer after it, it is not computed before it is asked for; the bits are the same
 * in either case.
 *
 * <p>Belongs to the scope in which it is computed.
 */
public final class NormedSum {
    private Tensor residual; // null: not computed yet, or there is none
    private Tensor normed; // null: not computed yet
    private final Pending pending; // null: nothing to compute

    /** Arguments of {@link ResidualNormOp#rmsNorm}, checked. */
    public record Pending(
            Tensor branch, Tensor gate, Tensor residual, Tensor weight, float eps, Tensor shift, Tensor scale) {
        public FusedKernels.ResidualNorm into(Tensor sum) {
            return new FusedKernels.ResidualNorm(
                    sum.storage(), branch.storage(), gate.storage(), residual.storage(), weight.storage(),
                    storageOrNull(shift), storageOrNull(scale), eps);
        }
    }

    NormedSum(Tensor residual, Tensor normed) {
        this.residual = residual;
        this.normed = normed;
        this.pending = null;
    }

    NormedSum(Pending pending) {
        this.pending = pending;
    }

    /** An input that is a tensor already; there is no sum. */
    public static NormedSum of(Tensor u) {
        return new NormedSum(null, u);
    }

    /** The sum, (batch, L, dim): the residual stream after this point. */
    public Tensor residual() {
        if (residual == null) {
            compute();
        }
        return residual;
    }

    /**
     * The sum normalised and modulated, (batch, L, dim). After a layer that computed the sum itself this costs a launch
     * of its own, as such a layer keeps what it normalised.
     */
    public Tensor normed() {
        if (normed == null) {
            compute();
        }
        return normed;
    }

    private void compute() {
        if (pending == null) {
            throw new IllegalStateException("residual: none (expected an input that was made of a sum)");
        }
        Tensor branch = pending.branch;
        Backend backend = branch.backend();
        Tensor sum = Tensor.empty(backend, branch.shape());
        Tensor y = Tensor.empty(backend, branch.shape());
        backend.norm()
                .gateAddRmsNorm(y.storage(), pending.into(sum), branch.dim(0), branch.dim(1), branch.dim(2));
        residual = residual == null ? sum : residual; // one that was handed out stays the one
        normed = y;
    }

    /**
     * What is still to compute, for an operation that does it itself and then calls {@link #computed}; else {@code
     * null}.
     */
    public Pending pending() {
        return residual == null ? pending : null;
    }

    /** Takes the sum that an operation has computed together with its own result. */
    public void computed(Tensor sum) {
        residual = sum;
    }
}
