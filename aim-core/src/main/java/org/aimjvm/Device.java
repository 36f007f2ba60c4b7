package org.aimjvm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.MatmulPrecision;

/**
 * A device to compute on: {@code AiM.load(path, Device.cuda())}.
 *
 * @param kind which sort
 * @param ordinal which GPU of several, from 0
 * @param matmul how products are computed; other than F32 for GPUs only
 */
public record Device(Kind kind, int ordinal, MatmulPrecision matmul) {

    /** Sorts of devices. */
    public enum Kind {
        /** A GPU if there is one that works, else the CPU. */
        AUTO,
        /** The CPU, by the fastest backend that works here. */
        CPU,
        /** An NVIDIA GPU; needs the module {@code aim-cuda}. */
        CUDA
    }

    private static final String CUDA = "cuda";

    /** A GPU if there is one that works, else the CPU. */
    public static Device auto() {
        return new Device(Kind.AUTO, 0, MatmulPrecision.F32);
    }

    /** The CPU. */
    public static Device cpu() {
        return new Device(Kind.CPU, 0, MatmulPrecision.F32);
    }

    /** The first NVIDIA GPU. */
    public static Device cuda() {
        return cuda(0);
    }

    /** NVIDIA GPU number {@code ordinal}, in the driver's order. */
    public static Device cuda(int ordinal) {
        return new Device(Kind.CUDA, ordinal, MatmulPrecision.F32);
    }

    /**
     * A device by the name that users type: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:1}.
     *
     * @throws IllegalArgumentException if it is none of these
     */
    public static Device parse(String name) {
        switch (name) {
            case "auto" -> {
                return auto();
            }
            case "cpu" -> {
                return cpu();
            }
            case CUDA -> {
                return cuda();
            }
            default -> {
                if (name.matches(CUDA + ":\\d{1,3}")) {
                    return cuda(Integer.parseInt(name.substring(CUDA.length() + 1)));
                }
                throw new IllegalArgumentException("device: " + name + ", expected auto, cpu, cuda or cuda:N");
            }
        }
    }

    /** The same with products computed in another way. */
    public Device withMatmul(MatmulPrecision newMatmul) {
        return new Device(kind, ordinal, newMatmul);
    }

    /** The backend of this device, with a thread for each processor. See {@link #open(int)}. */
    public Backend open() {
        return open(Backends.defaultThreads());
    }

    /**
     * A new backend on this device. Several models may share one; each backend of a GPU keeps memory of its own.
     *
     * @throws BackendException if the device does not work here, with the reason
     */
    public Backend open(int threads) {
        BackendOptions options = new BackendOptions(threads, ordinal, matmul);
        return switch (kind) {
            case CUDA -> Backends.open(CUDA, options);
            case CPU -> Backends.openBest(best(false), options);
            case AUTO -> Backends.openBest(best(true), options);
        };
    }

    private static BackendProvider best(boolean anything) {
        return Backends.providers().stream()
                .filter(p -> (anything || p.isCpu()) && p.availability().available())
                .findFirst()
                .orElseThrow(() -> new BackendException("device: no backend works here, " + Backends.reasons()));
    }

    /** As {@link #parse} takes it. */
    @Override
    public String toString() {
        return switch (kind) {
            case AUTO -> "auto";
            case CPU -> "cpu";
            case CUDA -> CUDA + ":" + ordinal;
        };
    }
}
