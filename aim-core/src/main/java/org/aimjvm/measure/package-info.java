/**
 * How fast this machine runs the models, and how fast it could: its limits ({@link org.aimjvm.measure.LimitMeter}), what a
 * piece of work must at least read and compute ({@link org.aimjvm.measure.LmCost}, {@link org.aimjvm.measure.VqCost}), and
 * the works themselves, run through the same public calls as users make. Used by {@code aim bench} and by the JMH benchmarks.
 *
 * <p>Shares compare medians: a work's median time, and the median limit of the rounds taken before and after it.
 */
package org.aimjvm.measure;
