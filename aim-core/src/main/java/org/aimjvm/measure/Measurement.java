package org.aimjvm.measure;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The time of some computation, beside the limits of the machine at that time.
 *
 * @param subject what was measured
 * @param step seconds of what was repeated: one code of every picture, one pass, one training step
 * @param cost what such a step does
 * @param imageSeconds median seconds per picture
 * @param extrapolated whether that is a number of median steps, instead of pictures that were drawn
 * @param limits measured before and after
 * @param tensorBytes the most that tensors took at a time; 0 where they are not counted
 */
public record Measurement(
        Subject subject, Spread step, StepCost cost, double imageSeconds, boolean extrapolated, MachineLimits limits,
        long tensorBytes) {

    /**
     * What was measured.
     *
     * @param work {@code lm-decode}, {@code lm-prefill}, {@code vq-decode}, {@code vq-encode}, {@code generate},
     *     {@code train-step} or {@code vq-train-step}
     * @param preset architecture
     * @param weights format of the weights
     * @param states format of the states, {@code f32} where there are none
     * @param batch pictures side by side
     * @param guided whether each picture takes two sequences
     * @param losses of a step of stage 1, see {@link StageOne.Losses}; {@code null} for other works
     */
    public record Subject(
            String work, String preset, String weights, String states, int batch, boolean guided, String losses) {
        static Subject of(String work, MeasuredLm lm, int batch, boolean guided) {
            return new Subject(work, lm.name(), lm.weights().toString(), lm.states().toString(), batch, guided,
                    null);
        }

        static Subject tokenizer(String work, String preset, int batch) {
            return new Subject(work, preset, "f32", "f32", batch, false, null);
        }

        static Subject of(StageOne stage, int batch) {
            return new Subject("vq-train-step", stage.name(), "f32", "f32", batch, false, stage.losses().toString());
        }
    }

    /**
     * What a step does at least.
     *
     * @param tokens codes that it draws, reads or learns, of all pictures
     * @param bytes moved
     * @param flops operations, a multiply-add counting as two
     */
    public record StepCost(int tokens, double bytes, double flops) {}

    /** Of steps that make whole pictures. */
    static Measurement ofPictures(Subject subject, Spread step, StepCost cost, MachineLimits limits) {
        return new Measurement(subject, step, cost, step.median() / subject.batch, false, limits, 0);
    }

    /** The same with the memory of its tensors. */
    Measurement withTensorBytes(long bytes) {
        return new Measurement(subject, step, cost, imageSeconds, extrapolated, limits, bytes);
    }

    /** Pictures per second. */
    public double picturesPerSecond() {
        return 1 / imageSeconds;
    }

    /** Codes per second, of all pictures. */
    public double tokensPerSecond() {
        return cost.tokens / step.median();
    }

    /** Bytes per second. */
    public double bytesPerSecond() {
        return cost.bytes / step.median();
    }

    /** Operations per second. */
    public double flopsPerSecond() {
        return cost.flops / step.median();
    }

    /** Of the median speed of reading memory. */
    public double shareOfBandwidth() {
        return bytesPerSecond() / limits.read().median();
    }

    /** Of the median speed of multiply-adds. */
    public double shareOfPeak() {
        return flopsPerSecond() / limits.multiplyAdd().median();
    }

    /**
     * As a JSON object; docs/cli.md explains the keys.
     *
     * @param backend its description
     */
    public String toJson(String backend) {
        ObjectNode o = JsonMapper.shared().createObjectNode();
        o.put("work", subject.work).put("preset", subject.preset).put("weights", subject.weights)
                .put("states", subject.states).put("batch", subject.batch)
                .put("threads", limits.threads()).put("guided", subject.guided)
                .put("seconds_per_image", imageSeconds)
                .put("tokens_per_second", tokensPerSecond())
                .put("bytes_per_second", bytesPerSecond())
                .put("flops_per_second", flopsPerSecond())
                .put("share_of_bandwidth", shareOfBandwidth())
                .put("share_of_peak", shareOfPeak())
                .put("extrapolated", extrapolated)
                .put("tokens_per_step", cost.tokens)
                .put("bytes_per_step", cost.bytes)
                .put("flops_per_step", cost.flops);
        if (subject.losses != null) {
            o.put("losses", subject.losses).put("pictures_per_second", picturesPerSecond());
        }
        if (tensorBytes > 0) {
            o.put("tensor_bytes", tensorBytes);
        }
        o.set("seconds_per_step", toJson(step));
        ObjectNode machine = o.putObject("machine");
        machine.put("loops", limits.loops());
        machine.set("read_bytes_per_second", toJson(limits.read()));
        machine.set("update_bytes_per_second", toJson(limits.update()));
        machine.set("multiply_add_flops_per_second", toJson(limits.multiplyAdd()));
        o.put("backend", backend)
                .put("jdk", Runtime.version() + ", " + System.getProperty("java.vm.name"))
                .put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                        + Runtime.getRuntime().availableProcessors() + " processors");
        return o.toString();
    }

    private static ObjectNode toJson(Spread s) {
        ObjectNode o = JsonMapper.shared().createObjectNode();
        o.put("median", s.median()).put("p10", s.low()).put("p90", s.high()).put("least", s.least())
                .put("greatest", s.greatest()).put("count", s.count());
        return o;
    }
}
