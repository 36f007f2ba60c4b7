/**
 * How fast this machine runs the models, and how fast it could: its limits ({@link org.aimjvm.measure.LimitMeter}),
 * what a piece of work must at least read and compute ({@link org.aimjvm.measure.LmCost}, {@link
 * org.aimjvm.measure.VqCost}), and what is measured itself, run through the same public calls as users make. Shares
 * compare medians: the median time of what is measured, and the median limit of the rounds taken before and after it.
 *
 * <p>For those who ask whether a figure is good; {@code aim bench} and the JMH benchmarks use it.
 *
 * <p>Start at {@link org.aimjvm.measure.Bench}.
 */
package org.aimjvm.measure;
