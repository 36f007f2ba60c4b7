/**
 * What commands write: charts, grids, sample pictures.
 *
 * <p>For those who write a command with output of that kind.
 *
 * <p>Start at the class named after the file that you want.
 */
package org.aimjvm.cli.output;
