/**
 * Files: checkpoints of named tensors (safetensors, PyTorch pickles), NumPy arrays, pictures, and atomic writing.
 * For all who read or write files; start at {@link org.aimjvm.io.SafeTensors}.
 *
 * <p>Everything read here is treated as untrusted. A file that is damaged or lies about itself gives a
 * {@link org.aimjvm.io.CheckpointException} naming the file and the tensor, memory use stays within a small multiple of
 * the file's size plus what the caller asked to read, and nothing stored in a file is ever executed.
 *
 * <p>Letters: {@code N} pictures, {@code C} channels, {@code H} height, {@code W} width; pixels as floats lie in
 * [-1, 1].
 */
package org.aimjvm.io;
