/**
 * The backend for NVIDIA GPUs. Kernels are CUDA C in {@code kernels/}, compiled to PTX resources of this package; one
 * class a family launches them through the driver library, which JCuda loads. Nothing else of CUDA is needed: no
 * toolkit, no nvcc.
 *
 * <p>Found through {@link org.aimjvm.backend.BackendProvider}; a machine without driver or GPU gets a reason, not an
 * error.
 */
package org.aimjvm.cuda;
