package org.aimjvm.measure;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A work that was measured, beside the limits of the machine at that time.
 *
 * @param work {@code lm-decode}, {@code lm-prefill}, {@code vq-decode}, {@code vq-encode}, {@code generate} or {@code train-step}
 * @param preset architecture
 * @param weights format of the weights
 * @param states format of the states, {@code f32} where there are none
 * @param batch pictures side by side
 * @param guided whether each picture takes two sequences
 * @param step seconds of what was repeated: one code of every picture, one pass, one training step
 * @param imageSeconds median seconds a picture
 * @param extrapolated whether that is a number of median steps, instead of pictures that were drawn
 * @param tokensPerStep codes that a step draws, reads or learns, of all pictures
 * @param bytesPerStep bytes a step must at least move
 * @param flopsPerStep operations a step takes, a multiply-add counting as two
 * @param limits measured before and after
 */
public record Measurement(
        String work, String preset, String weights, String states, int batch, boolean guided, Spread step,
        double imageSeconds,
        boolean extrapolated, int tokensPerStep, double bytesPerStep, double flopsPerStep, MachineLimits limits) {

    /** Codes a second, of all pictures. */
    public double tokensPerSecond() {
        return tokensPerStep / step.median();
    }

    /** Bytes a second. */
    public double bytesPerSecond() {
        return bytesPerStep / step.median();
    }

    /** Operations a second. */
    public double flopsPerSecond() {
        return flopsPerStep / step.median();
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
        o.put("work", work).put("preset", preset).put("weights", weights).put("states", states).put("batch", batch)
                .put("threads", limits.threads()).put("guided", guided)
                .put("seconds_per_image", imageSeconds)
                .put("tokens_per_second", tokensPerSecond())
                .put("bytes_per_second", bytesPerSecond())
                .put("flops_per_second", flopsPerSecond())
                .put("share_of_bandwidth", shareOfBandwidth())
                .put("share_of_peak", shareOfPeak())
                .put("extrapolated", extrapolated)
                .put("tokens_per_step", tokensPerStep)
                .put("bytes_per_step", bytesPerStep)
                .put("flops_per_step", flopsPerStep);
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
