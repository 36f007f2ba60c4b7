package org.aimjvm.checkpoint;

/** Which of the copies of its weights that a training program keeps. */
public enum WeightsCopy {
    /** The averaged ones if there are any, else those that were trained. */
    ANY,
    /** The averages: {@code ema} of a PyTorch file, {@value ModelFolder#AVERAGED} of a run's checkpoint. */
    EMA,
    /** Those that were trained: {@code model}, {@code state_dict} and so on; {@value ModelFolder#WEIGHTS}. */
    MODEL
}
