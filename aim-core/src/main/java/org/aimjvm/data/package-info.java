/**
 * Data sets: labelled pictures for the tokenizer, their codes for the sequence model.
 *
 * <p>For those who train, evaluate or extract codes. Start with {@link org.aimjvm.data.PictureFolder#open}, which opens
 * IDX files and class folders alike as a {@link org.aimjvm.data.PictureSource}; write one of your own for other data.
 * Then {@link org.aimjvm.data.CodeExtractor} makes a {@link org.aimjvm.data.TokenDataset}; {@link
 * org.aimjvm.data.Shard} divides the work.
 */
package org.aimjvm.data;
