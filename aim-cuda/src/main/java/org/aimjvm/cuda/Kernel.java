package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;

/** A kernel that can be launched: the one place that packs arguments. */
final class Kernel {
    /** The least that a block can use without asking for more. */
    private static final int PLAIN_SHARED = 48 << 10;

    /** Arguments that may be given by position: more are told apart by their names only. */
    private static final int MAX_BY_POSITION = 11;

    /** Types of parameters. */
    enum Parameter {
        /** A pointer or a long. */
        WORD64, INT, FLOAT, DOUBLE
    }

    private final Gpu gpu;
    private final String name;
    private final CUfunction function;
    private final List<Parameter> parameters;
    private final List<String> names; // of the parameters
    private final ByteBuffer values; // 8 bytes an argument
    private final Pointer arguments; // to pointers into values
    private int allowedShared = PLAIN_SHARED;

    Kernel(Gpu gpu, String name, CUfunction function, List<Parameter> parameters, List<String> names) {
        this.gpu = gpu;
        this.name = name;
        this.function = function;
        this.parameters = List.copyOf(parameters);
        this.names = List.copyOf(names);
        this.values = ByteBuffer.allocateDirect(8 * Math.max(1, parameters.size())).order(ByteOrder.nativeOrder());
        Pointer[] each = new Pointer[parameters.size()];
        for (int i = 0; i < each.length; i++) {
            each[i] = Pointer.to(values).withByteOffset(8L * i);
        }
        this.arguments = Pointer.to(each);
    }

    /** A launch whose arguments are given by the names of the kernel's parameters, in any order. */
    final class Launch {
        private static final Object MISSING = new Object();

        private final Grid grid;
        private final Object[] values = new Object[names.size()];

        private Launch(Grid grid) {
            this.grid = grid;
            Arrays.fill(values, MISSING);
        }

        /**
         * An argument; see {@link Kernel#launch} for the types.
         *
         * @throws IllegalArgumentException if the kernel has no such parameter, or it has its argument already
         */
        Launch arg(String parameter, Object value) {
            int i = names.indexOf(parameter);
            if (i < 0) {
                throw new IllegalArgumentException(name + ": no parameter " + parameter + ", expected one of " + names);
            }
            if (values[i] != MISSING) {
                throw new IllegalArgumentException(name + ": " + parameter + " is given twice");
            }
            values[i] = value;
            return this;
        }

        /**
         * As {@link Kernel#launch}.
         *
         * @throws IllegalArgumentException if an argument is missing or of a wrong type
         */
        void launch() {
            for (int i = 0; i < values.length; i++) {
                if (values[i] == MISSING) {
                    throw new IllegalArgumentException(name + ": no " + names.get(i) + ", expected all of " + names);
                }
            }
            submit(grid, values);
        }
    }

    /** A launch with named arguments, for kernels that take more than {@value #MAX_BY_POSITION}, and others. */
    Launch on(Grid grid) {
        return new Launch(grid);
    }

    /**
     * Submits the kernel; it runs after all that was submitted before.
     *
     * @param grid blocks and threads; none if a size is 0
     * @param args the kernel's arguments in order, at most {@value #MAX_BY_POSITION}: {@link CudaStorage} or {@code
     *     null} for a pointer, {@link Long}, {@link Integer}, {@link Boolean} as 0 or 1, {@link Float}, {@link Double}
     * @throws IllegalArgumentException if these are not what the kernel takes
     * @throws org.aimjvm.backend.BackendException if the driver refuses
     */
    void launch(Grid grid, Object... args) {
        if (args.length > MAX_BY_POSITION) {
            throw new IllegalArgumentException(name + ": " + args.length + " arguments by position, expected at most "
                    + MAX_BY_POSITION + " (name them)");
        }
        if (args.length != parameters.size()) {
            throw new IllegalArgumentException(
                    name + ": " + args.length + " arguments, expected " + parameters.size() + ", " + names);
        }
        submit(grid, args);
    }

    private void submit(Grid grid, Object[] args) {
        if (grid.x() == 0 || grid.y() == 0 || grid.z() == 0) {
            return;
        }
        if (grid.y() > Grid.MAX_YZ || grid.z() > Grid.MAX_YZ) {
            throw new IllegalArgumentException(name + ": " + grid + " (expected at most " + Grid.MAX_YZ
                    + " blocks in y and z; is the batch that large?)");
        }
        synchronized (gpu) {
            for (int i = 0; i < args.length; i++) {
                put(i, args[i]);
            }
            gpu.enter();
            if (grid.shared() > allowedShared) {
                check(JCudaDriver.cuFuncSetAttribute(
                        function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, grid.shared()),
                        name + ": cuFuncSetAttribute(shared memory " + grid.shared() + ")");
                allowedShared = grid.shared();
            }
            check(JCudaDriver.cuLaunchKernel(
                    function, grid.x(), grid.y(), grid.z(), grid.threadsX(), grid.threadsY(), 1, grid.shared(),
                    gpu.stream(),
                    arguments,
                    null),
                    "cuLaunchKernel of " + name);
        }
    }

    private void put(int i, Object arg) {
        int at = 8 * i;
        switch (parameters.get(i)) {
            case WORD64 -> values.putLong(at, switch (arg) {
                case null -> 0L;
                case CudaStorage s -> s.address();
                case Long l -> l;
                default -> throw wrong(i, arg, "device memory or a long");
            });
            case INT -> values.putInt(at, switch (arg) {
                case Integer v -> v;
                case Boolean b -> b ? 1 : 0;
                case null, default -> throw wrong(i, arg, "an int");
            });
            case FLOAT -> {
                if (!(arg instanceof Float f)) {
                    throw wrong(i, arg, "a float");
                }
                values.putFloat(at, f);
            }
            case DOUBLE -> {
                if (!(arg instanceof Double d)) {
                    throw wrong(i, arg, "a double");
                }
                values.putDouble(at, d);
            }
        }
    }

    private IllegalArgumentException wrong(int i, Object arg, String expected) {
        return new IllegalArgumentException(
                name + ": " + names.get(i) + " is " + (arg == null ? "null" : arg.getClass().getSimpleName())
                        + ", expected "
                        + expected);
    }

    @Override
    public String toString() {
        return name;
    }
}
