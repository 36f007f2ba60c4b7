package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.areHalves;
import static org.aimjvm.cuda.CudaStorage.halvesOrNull;
import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/ssd.cu} and {@code kernels/ssd_tiles_*.cu}: the SSD scan and its gradient. */
final class CudaSsdScan {
    private static final int THREADS = 128;
    private static final int WARPS = THREADS / WARP;
    private static final int ROWS = 4;
    /** Up to this length the recurrence: one kernel instead of four, and the state is read and written once. */
    private static final int SHORT = 8;
    /** Blocks that keep a large GPU busy: the heads of a group are split until there are as many. */
    private static final int ENOUGH_BLOCKS = 512;

    private final CudaContext context;
    private final Kernel recurrenceVector;
    private final Kernel recurrenceScalar;
    private final Kernel halfRecurrenceVector;
    private final Kernel halfRecurrenceScalar;
    private final Kernel widen;
    private final Kernel round;
    private final Kernel steps;
    private final Kernel stepGradient;
    private final Kernel sum;
    private final Kernel sumHeads;
    private Tiles tiles; // made when first needed: decoding does without

    /** The kernels that are products of tiles, for the backend's precision. */
    private static final class Tiles {
        final Kernel products;
        final Kernel states;
        final Kernel output;
        final Kernel stateGradients;
        final Kernel mapGradient;
        final Kernel inputGradient;
        final Kernel bcGradient;

        Tiles(CudaContext context) {
            String precision = context.precision().toString();
            KernelModule module = context.module("ssd_tiles_" + precision);
            this.products = module.kernel("ssd_products_" + precision);
            this.states = module.kernel("ssd_states_" + precision);
            this.output = module.kernel("ssd_output_" + precision);
            this.stateGradients = module.kernel("ssd_state_gradients_" + precision);
            this.mapGradient = module.kernel("ssd_map_gradient_" + precision);
            this.inputGradient = module.kernel("ssd_input_gradient_" + precision);
            this.bcGradient = module.kernel("ssd_bc_gradient_" + precision);
        }
    }

    CudaSsdScan(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("ssd");
        this.recurrenceVector = module.kernel("ssd_recurrence_vector_f32");
        this.recurrenceScalar = module.kernel("ssd_recurrence_scalar_f32");
        this.halfRecurrenceVector = module.kernel("ssd_recurrence_vector_bf16");
        this.halfRecurrenceScalar = module.kernel("ssd_recurrence_scalar_bf16");
        this.widen = module.kernel("ssd_widen_bf16");
        this.round = module.kernel("ssd_round_bf16");
        this.steps = module.kernel("ssd_steps_f32");
        this.stepGradient = module.kernel("ssd_step_gradient_f32");
        this.sum = module.kernel("ssd_sum_f32");
        this.sumHeads = module.kernel("ssd_sum_heads_f32");
    }

    private Tiles tiles() {
        synchronized (context.gpu()) {
            if (tiles == null) {
                tiles = new Tiles(context);
            }
            return tiles;
        }
    }

    void forward(Storage y, Storage finalState, SsdScan.Inputs in, SsdShape s) {
        if (s.length() == 1 || s.length() > 1 && s.length() <= SHORT && s.dState() <= WARP * width(s)) {
            recurrence(y, finalState, in, s);
            return;
        }
        boolean halves = areHalves(in.initialState(), finalState);
        try (CudaSsdMemory m = CudaSsdMemory.ofScan(context, s, halves)) {
            int size = s.stateShape().size();
            Grid ofStates = Grid.of(Grid.blocks(size, THREADS), THREADS);
            long initial = address(in.initialState(), halves, m);
            long last = address(finalState, halves, m);
            if (halves && initial != 0) {
                widen.launch(ofStates, initial, halvesOrNull(in.initialState()), size);
            }
            prepare(m, in, s);
            states(m, last, initial, in, s);
            // @formatter:off: a group of operands per line
            tiles().output.launch(
                    Grid.of(m.n.ofChunks() * s.heads() * m.n.pTiles(), THREADS),
                    plain(y),
                    plain(in.xbc()), orNull(in.d()),
                    m.step.address(), m.sums.address(), m.products.address(), m.states.address(),
                    in.initialState() != null, s.perChannelD(),
                    s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
            // @formatter:on
            if (halves && last != 0) {
                round.launch(ofStates, halvesOrNull(finalState), last, size);
            }
        }
    }

    /** Of states as F32, {@link CudaSsdMemory#widened} if they are BF16; 0 for {@code null}. */
    private static long address(Storage state, boolean halves, CudaSsdMemory m) {
        if (state == null) {
            return 0;
        }
        return halves ? m.widened.address() : plain(state).address();
    }

    /** Elements that a lane loads at once. */
    private static int width(SsdShape s) {
        return s.dState() % 4 == 0 && s.innerDim() % 4 == 0 ? 4 : 1;
    }

    private void recurrence(Storage y, Storage finalState, SsdScan.Inputs in, SsdShape s) {
        int width = width(s);
        int lanes = Math.min(WARP, 1 << Grid.log2(Grid.blocks(s.dState(), width)));
        int blocksOfHead = Grid.blocks(s.headDim(), THREADS / lanes * ROWS);
        boolean halves = areHalves(in.initialState(), finalState);
        Kernel kernel = halves
                ? width == 4 ? halfRecurrenceVector : halfRecurrenceScalar
                : width == 4 ? recurrenceVector : recurrenceScalar;
        CudaStorage last = halves ? halvesOrNull(finalState) : orNull(finalState);
        CudaStorage initial = halves ? halvesOrNull(in.initialState()) : orNull(in.initialState());
        // @formatter:off: a group of operands per line
        kernel.launch(
                Grid.of(s.batch() * s.heads() * blocksOfHead, THREADS),
                plain(y), last,
                plain(in.xbc()), plain(in.dt()), plain(in.dtBias()), plain(in.aLog()), orNull(in.d()), initial,
                s.dtMin(), s.dtMax(), s.perChannelD(), lanes, blocksOfHead,
                s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        // @formatter:on
    }

    /** Steps, sums in the exponents, and products of B and C. */
    private void prepare(CudaSsdMemory m, SsdScan.Inputs in, SsdShape s) {
        int tasks = m.n.ofChunks() * s.heads();
        // @formatter:off: a group of operands per line
        steps.launch(
                Grid.of(Grid.blocks(tasks, WARPS), THREADS),
                m.step.address(), m.sums.address(),
                plain(in.dt()), plain(in.dtBias()), plain(in.aLog()),
                s.dtMin(), s.dtMax(), tasks, s.length(), s.heads());
        tiles().products.launch(
                Grid.of(m.n.ofChunks() * s.groups(), THREADS),
                m.products.address(),
                plain(in.xbc()),
                s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        // @formatter:on
    }

    /** States at the starts of chunks, and the {@code last}; 0: not wanted. */
    private void states(CudaSsdMemory m, long last, long initial, SsdScan.Inputs in, SsdShape s) {
        // @formatter:off: a group of operands per line
        tiles().states.launch(
                Grid.of(m.n.ofHeads() * m.n.pTiles() * m.n.nTiles(), THREADS),
                m.states.address(), last,
                initial, plain(in.xbc()), m.step.address(), m.sums.address(),
                s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        // @formatter:on
    }

    void backward(SsdScan.Gradients out, Storage dy, Storage dFinalState, SsdScan.Inputs in, SsdShape s) {
        int ofGroups = s.batch() * Grid.blocks(s.length(), CudaSsdMemory.CHUNK) * s.groups();
        int slices = Math.clamp(
                Grid.blocks(ENOUGH_BLOCKS, Math.max(1, ofGroups)), 1, Math.min(8, s.heads() / s.groups()));
        try (CudaSsdMemory m = CudaSsdMemory.ofGradient(context, s, slices)) {
            prepare(m, in, s);
            states(m, 0, address(in.initialState(), false, m), in, s);
            stateAndMapGradients(m, out, plain(dy), orNull(dFinalState), in, s);
            operandGradients(m, out, plain(dy), dFinalState != null, in, s);
            parameterGradients(m, out, in, s);
        }
    }

    /** Gradients of the states at the ends of chunks, of the initial one, and of the products of B and C. */
    private void stateAndMapGradients(
            CudaSsdMemory m, SsdScan.Gradients out, CudaStorage dy, CudaStorage dLast, SsdScan.Inputs in, SsdShape s) {
        CudaSsdMemory.Gradient g = m.gradient;
        // @formatter:off: a group of operands per line
        tiles().stateGradients.launch(
                Grid.of(m.n.ofHeads() * m.n.pTiles() * m.n.nTiles(), THREADS),
                g.dStates.address(), g.overlap.address(), orNull(out.dInitialState()),
                dLast, dy, plain(in.xbc()),
                m.step.address(), m.sums.address(), m.states.address(),
                in.initialState() != null,
                s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        tiles().mapGradient.launch(
                Grid.of(m.n.ofChunks() * s.groups() * g.slices, THREADS),
                g.map.address(), g.within.address(),
                dy, plain(in.xbc()),
                m.step.address(), m.sums.address(), m.products.address(),
                g.slices,
                s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        // @formatter:on
    }

    /** Gradients of x, B and C. */
    private void operandGradients(
            CudaSsdMemory m, SsdScan.Gradients out, CudaStorage dy, boolean hasDLast, SsdScan.Inputs in, SsdShape s) {
        CudaSsdMemory.Gradient g = m.gradient;
        // @formatter:off: a group of operands per line
        tiles().inputGradient.launch(
                Grid.of(m.n.ofChunks() * s.heads() * m.n.pTiles(), THREADS),
                plain(out.dXbc()), g.direct.address(), g.skips.address(),
                dy, plain(in.xbc()), orNull(in.d()),
                m.step.address(), m.sums.address(), m.products.address(), g.dStates.address(),
                hasDLast, s.perChannelD(),
                s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        tiles().bcGradient.launch(
                Grid.of(m.n.ofChunks() * s.groups() * m.n.nTiles() * 2, THREADS),
                plain(out.dXbc()), g.terms.address(),
                dy, plain(in.xbc()),
                m.step.address(), m.sums.address(), m.states.address(), g.dStates.address(), g.map.address(),
                in.initialState() != null, hasDLast, g.slices,
                s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        // @formatter:on
    }

    /** Gradients of the raw steps, their bias, A and D. */
    private void parameterGradients(CudaSsdMemory m, SsdScan.Gradients out, SsdScan.Inputs in, SsdShape s) {
        CudaSsdMemory.Gradient g = m.gradient;
        int ofChunks = m.n.ofChunks();
        // @formatter:off: a group of operands per line
        stepGradient.launch(
                Grid.of(Grid.blocks(ofChunks * s.heads(), WARPS), THREADS),
                plain(out.dDt()), g.dParameters.address(),
                plain(in.dt()), plain(in.dtBias()), plain(in.aLog()),
                m.step.address(), g.terms.address(), g.within.address(), g.direct.address(), g.overlap.address(),
                s.dtMin(), s.dtMax(), s.batch(), s.length(), s.heads(), m.n.pTiles(), m.n.nTiles());
        // @formatter:on
        sum(plain(out.dDtBias()).address(), plain(out.dALog()).address(), g.dParameters.address(), ofChunks,
                2 * s.heads(), s.heads());
        int inner = s.innerDim();
        if (in.d() != null && s.perChannelD()) {
            sum(plain(out.dD()).address(), 0, g.skips.address(), ofChunks, inner, inner);
        } else if (in.d() != null) {
            sum(g.skipSums.address(), 0, g.skips.address(), ofChunks, inner, inner);
            sumHeads.launch(
                    Grid.of(Grid.blocks(s.heads(), WARPS), THREADS), plain(out.dD()), g.skipSums.address(), s.heads(),
                    s.headDim());
        }
    }

    /** Column sums of a matrix: the first columns to one place, the others to another. */
    private void sum(long first, long second, long partial, int rows, int columns, int firstCount) {
        sum.launch(
                Grid.of(Grid.blocks(columns, WARP), 1).threads(WARP, 8), first, second, partial, rows, columns,
                firstCount);
    }
}
