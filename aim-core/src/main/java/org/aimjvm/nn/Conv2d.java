package org.aimjvm.nn;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.conv.UpsampleOp;
import org.aimjvm.tensor.Tensor;

/**
 * Two-dimensional convolution; {@code weight} (out, in, k, k), {@code bias} (out), both +-1/sqrt(fan in) unless said.
 */
public final class Conv2d {
    private final Tensor weight;
    private final Tensor bias; // null: none
    private final int stride;
    private final int padBefore;
    private final int padAfter;

    private Conv2d(Params params, int in, int out, int kernel, int stride, int padBefore, int padAfter) {
        this(params, in, out, kernel, stride, padBefore, padAfter, Init.fanIn(in * kernel * kernel), null, true);
    }

    /** @param biasInit {@code null}: as the weight */
    private Conv2d(
            Params params, int in, int out, int kernel, int stride, int padBefore, int padAfter, Init init,
            Init biasInit, boolean withBias) {
        this.weight = params.get("weight", Shape.of(out, in, kernel, kernel), init);
        this.bias = withBias ? params.get("bias", Shape.of(out), biasInit == null ? init : biasInit) : null;
        this.stride = stride;
        this.padBefore = padBefore;
        this.padAfter = padAfter;
    }

    /** 3x3, stride 1, padding 1. */
    public static Conv2d conv3(Params params, int in, int out) {
        return new Conv2d(params, in, out, 3, 1, 1, 1);
    }

    /** 1x1. */
    public static Conv2d conv1(Params params, int in, int out) {
        return new Conv2d(params, in, out, 1, 1, 0, 0);
    }

    /** 3x3, stride 2, padded by one on the right and at the bottom only: the tokenizer's downsampling. */
    public static Conv2d halve(Params params, int channels) {
        return new Conv2d(params, channels, channels, 3, 2, 0, 1);
    }

    /** 3x3, stride 2, padding 1: halves even sizes. */
    public static Conv2d stride2(Params params, int in, int out) {
        return new Conv2d(params, in, out, 3, 2, 1, 1);
    }

    /** 3x3, stride 1, padding 1, before a rectifier: weights N(0, 2 / fan in) (He et al. 2015), bias 0. */
    public static Conv2d rectified3(Params params, int in, int out) {
        return new Conv2d(params, in, out, 3, 1, 1, 1, Init.normal(Math.sqrt(2.0 / (9 * in))), Init.zeros(), true);
    }

    /**
     * 4x4, padding 1, weights N(0, 0.02): a layer of a patch discriminator.
     *
     * @param stride 1 or 2
     * @param withBias a bias that starts at 0, or none
     */
    public static Conv2d patch(Params params, int in, int out, int stride, boolean withBias) {
        return new Conv2d(params, in, out, 4, stride, 1, 1, Init.normal(0.02), Init.zeros(), withBias);
    }

    /** x (batch, in, height, width) to (batch, out, ...). */
    public Tensor forward(Tensor x) {
        return Conv2dOp.conv2d(x, weight, bias, stride, padBefore, padBefore, padAfter, padAfter);
    }

    /**
     * As {@link #forward} of {@code silu} of the normalised x; plus {@code residual} unless that is {@code null}.
     * Stride 1.
     */
    public Tensor forward(GroupNorm norm, Tensor x, Tensor residual) {
        checkPlain();
        return norm.siluConv2d(x, weight, bias, padBefore, residual);
    }

    /** As {@link #forward} of x doubled in height and width by repeating pixels. Stride 1. */
    public Tensor forwardUpsampled(Tensor x) {
        checkPlain();
        return UpsampleOp.upsampleConv2d(x, weight, bias, padBefore);
    }

    private void checkPlain() {
        if (stride != 1 || padBefore != padAfter) {
            throw new IllegalStateException("convolution: stride " + stride + ", padding " + padBefore + " and "
                    + padAfter + " (expected stride 1, equal padding)");
        }
    }

    /** (out, in, k, k). */
    public Tensor weight() {
        return weight;
    }
}
