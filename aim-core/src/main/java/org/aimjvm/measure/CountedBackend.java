package org.aimjvm.measure;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.Storage;

/**
 * Another backend, with what it is asked for counted: multiply-adds of matrix products, convolutions and searches of a
 * codebook by their shapes, each as two operations and directly ({@code 2 k^2 in out} for a pixel of a convolution),
 * whatever algorithm computes them; and bytes of tensors. Elementwise work, norms and pooling count nothing. For one
 * thread.
 */
final class CountedBackend {
    private static final int BF16_BYTES = 2;
    private static final int BYTES = 4;

    /** What an interface forwards to, after a look at the call. */
    @FunctionalInterface
    private interface Look {
        void at(String method, Object[] arguments);
    }

    private final Backend counted;
    private double flops;
    private long bytes;
    private long peakBytes;

    CountedBackend(Backend backend) {
        ConvKernels conv = watched(ConvKernels.class, backend.conv(), (name, args) -> {
            if (args[args.length - 1] instanceof Conv2dShape s) {
                flops += 2.0 * s.batch() * s.outChannels() * s.outHeight() * s.outWidth() * s.filterSize();
            }
        });
        GemmKernels gemm = watched(GemmKernels.class, backend.gemm(), (name, args) -> {
            flops += name.equals("linear")
                    ? product(args, 3)
                    : product((GemmShape) args[3]);
        });
        IndexKernels index = watched(IndexKernels.class, backend.index(), (name, args) -> {
            if (name.equals("nearestCode")) {
                flops += product(args, 3);
            }
        });
        this.counted = (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, args) -> {
                    switch (method.getName()) {
                        case "conv" :
                            return conv;
                        case "gemm" :
                            return gemm;
                        case "index" :
                            return index;
                        case "equals" :
                            return proxy == args[0];
                        case "allocate" :
                            bytes += bytes((DType) args[0], (int) args[1]);
                            peakBytes = Math.max(peakBytes, bytes);
                            break;
                        case "free" :
                            Storage s = (Storage) args[0];
                            bytes -= bytes(s.dtype(), s.size());
                            break;
                        default :
                            break;
                    }
                    return call(backend, method, args);
                });
    }

    private static double product(GemmShape s) {
        return 2.0 * s.batch() * s.m() * s.n() * s.k();
    }

    /** Of three sizes of matrices, the first at {@code from}. */
    private static double product(Object[] sizes, int from) {
        return 2.0 * (int) sizes[from] * (int) sizes[from + 1] * (int) sizes[from + 2];
    }

    private static long bytes(DType dtype, int size) {
        return (long) size * (dtype == DType.BF16 ? BF16_BYTES : BYTES);
    }

    private static <T> T watched(Class<T> type, T kernels, Look look) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            if (method.getDeclaringClass() == type) {
                look.at(method.getName(), args);
            }
            return call(kernels, method, args);
        }));
    }

    private static Object call(Object target, java.lang.reflect.Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** The backend to build a model on, so that it is counted. */
    Backend backend() {
        return counted;
    }

    /** Operations so far. */
    double flops() {
        return flops;
    }

    /** The most bytes that tensors have had at a time; memory that a scope hands out again counts once. */
    long peakBytes() {
        return peakBytes;
    }
}
