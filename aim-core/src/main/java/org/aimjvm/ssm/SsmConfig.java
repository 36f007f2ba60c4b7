package org.aimjvm.ssm;

/** Arguments of a state-space mixer. */
public sealed interface SsmConfig permits Mamba1Config, Mamba2Config {
    /** Input and output channels. */
    int dModel();
}
