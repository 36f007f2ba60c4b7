/**
 * What is learned from: folders of pictures, IDX files, and data sets of codes that a tokenizer made once.
 *
 * <p>For those who train, and for a source of pictures of their own.
 *
 * <p>Start at {@link org.aimjvm.data.PictureSource}.
 */
package org.aimjvm.data;
