/**
 * Other people's libraries beside ours, in one process, in turns: OpenBLAS for matrix products, ONNX Runtime and
 * libtorch for convolutions and for the whole decoder of VQ-f16. Built by the Maven profile {@code peers} only.
 */
package org.aimjvm.bench.peers;
