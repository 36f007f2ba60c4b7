package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.areHalves;
import static org.aimjvm.cuda.CudaStorage.halvesOrNull;
import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.Storage;

/** Launches {@code kernels/ssd.cu} and {@code kernels/ssd_tiles_*.cu}: the SSD scan and its gradient. */
final class CudaSsdScan {
    private static final int CHUNK = 64;
    private static final int TILE = 64;
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

    /** Sizes in tiles and chunks. */
    private record Counts(int chunks, int pTiles, int nTiles, int ofChunks, int ofHeads) {
        static Counts of(SsdShape s) {
            int chunks = Grid.blocks(s.length(), CHUNK);
            return new Counts(
                    chunks, Grid.blocks(s.headDim(), TILE), Grid.blocks(s.dState(), TILE), s.batch() * chunks,
                    s.batch() * s.heads());
        }

        long states(SsdShape s) {
            return (long) ofChunks * s.heads() * s.headDim() * s.dState();
        }

        long products(SsdShape s) {
            return (long) ofChunks * s.groups() * CHUNK * CHUNK;
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

    void forward(
            Storage y,
            Storage finalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        if (s.length() == 1 || s.length() > 1 && s.length() <= SHORT && s.dState() <= WARP * width(s)) {
            recurrence(y, finalState, xbc, dt, dtBias, aLog, d, initialState, s);
            return;
        }
        boolean halves = areHalves(initialState, finalState);
        Counts n = Counts.of(s);
        try (ScratchParts parts = new ScratchParts(context)) {
            long rows = (long) n.ofHeads * s.length();
            int step = parts.add(rows);
            int sums = parts.add(2 * rows);
            int products = parts.add(n.products(s));
            int states = parts.add(n.states(s));
            int size = s.stateShape().size();
            int floats = parts.add(halves ? size : 0); // BF16 states as F32, before and after
            parts.allocate();
            Grid ofStates = Grid.of(Grid.blocks(size, THREADS), THREADS);
            long initial = address(initialState, halves, parts.at(floats));
            long last = address(finalState, halves, parts.at(floats));
            if (halves && initial != 0) {
                widen.launch(ofStates, initial, halvesOrNull(initialState), size);
            }
            prepare(parts.at(step), parts.at(sums), parts.at(products), xbc, dt, dtBias, aLog, s, n);
            states(parts.at(states), last, initial, xbc, parts.at(step), parts.at(sums), s, n);
            tiles().output.launch(
                    Grid.of(n.ofChunks * s.heads() * n.pTiles, THREADS), plain(y), plain(xbc), orNull(d),
                    parts.at(step), parts
                            .at(sums),
                    parts.at(products), parts.at(states), initialState != null, s.perChannelD(), s.length(), s.heads(),
                    s
                            .headDim(),
                    s.groups(), s.dState());
            if (halves && last != 0) {
                round.launch(ofStates, halvesOrNull(finalState), last, size);
            }
        }
    }

    /** Of F32 states, which stand in {@code floats} if they are BF16; 0 for {@code null}. */
    private static long address(Storage state, boolean halves, long floats) {
        if (state == null) {
            return 0;
        }
        return halves ? floats : plain(state).address();
    }

    /** Elements that a lane loads at once. */
    private static int width(SsdShape s) {
        return s.dState() % 4 == 0 && s.innerDim() % 4 == 0 ? 4 : 1;
    }

    private void recurrence(
            Storage y,
            Storage finalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        int width = width(s);
        int lanes = Math.min(WARP, 1 << Grid.log2(Grid.blocks(s.dState(), width)));
        int blocksOfHead = Grid.blocks(s.headDim(), THREADS / lanes * ROWS);
        boolean halves = areHalves(initialState, finalState);
        Kernel kernel = halves
                ? width == 4 ? halfRecurrenceVector : halfRecurrenceScalar
                : width == 4 ? recurrenceVector : recurrenceScalar;
        CudaStorage last = halves ? halvesOrNull(finalState) : orNull(finalState);
        CudaStorage initial = halves ? halvesOrNull(initialState) : orNull(initialState);
        kernel.launch(
                Grid.of(s.batch() * s.heads() * blocksOfHead, THREADS), plain(y), last, plain(xbc),
                plain(dt),
                plain(dtBias), plain(aLog), orNull(d), initial, s.dtMin(), s.dtMax(), s.perChannelD(),
                lanes,
                blocksOfHead, s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
    }

    private void prepare(
            long step, long sums, long products, Storage xbc, Storage dt, Storage dtBias, Storage aLog, SsdShape s,
            Counts n) {
        int tasks = n.ofChunks * s.heads();
        steps.launch(
                Grid.of(Grid.blocks(tasks, WARPS), THREADS), step, sums, plain(dt), plain(dtBias), plain(aLog),
                s.dtMin(), s
                        .dtMax(),
                tasks, s.length(), s.heads());
        tiles().products.launch(
                Grid.of(n.ofChunks * s.groups(), THREADS), products, plain(xbc), s.length(), s.heads(), s.headDim(), s
                        .groups(),
                s.dState());
    }

    private void states(
            long states, long last, long initial, Storage xbc, long step, long sums, SsdShape s,
            Counts n) {
        tiles().states.launch(
                Grid.of(n.ofHeads * n.pTiles * n.nTiles, THREADS), states, last, initial,
                plain(
                        xbc),
                step, sums, s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
    }

    void backward(
            Storage dXbc,
            Storage dDt,
            Storage dDtBias,
            Storage dALog,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        Counts n = Counts.of(s);
        int slices = Math.clamp(
                Grid.blocks(ENOUGH_BLOCKS, Math.max(1, n.ofChunks * s.groups())), 1,
                Math.min(8, s.heads() / s.groups()));
        try (ScratchParts parts = new ScratchParts(context)) {
            long rows = (long) n.ofHeads * s.length();
            int step = parts.add(rows);
            int sums = parts.add(2 * rows);
            int products = parts.add(n.products(s));
            int states = parts.add(n.states(s));
            int gradients = parts.add(n.states(s));
            int overlap = parts.add((long) n.pTiles * n.nTiles * n.ofChunks * s.heads());
            int map = parts.add(slices * n.products(s));
            int within = parts.add(rows);
            int direct = parts.add(n.pTiles * rows);
            int terms = parts.add(2 * n.nTiles * rows);
            int skips = parts.add((long) n.ofChunks * s.innerDim());
            int skipSums = parts.add(s.innerDim());
            int partial = parts.add(2L * n.ofChunks * s.heads());
            parts.allocate();
            boolean hasInitial = initialState != null;
            boolean hasDLast = dFinalState != null;
            prepare(parts.at(step), parts.at(sums), parts.at(products), xbc, dt, dtBias, aLog, s, n);
            states(parts.at(states), 0, address(initialState, false, 0), xbc, parts.at(step), parts.at(sums), s, n);
            Tiles t = tiles();
            t.stateGradients.launch(
                    Grid.of(n.ofHeads * n.pTiles * n.nTiles, THREADS), parts.at(gradients), parts.at(overlap), orNull(
                            dInitialState),
                    orNull(dFinalState), plain(dy), plain(xbc), parts.at(step), parts.at(sums), parts.at(states),
                    hasInitial,
                    s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
            t.mapGradient.launch(
                    Grid.of(n.ofChunks * s.groups() * slices, THREADS), parts.at(map), parts.at(within), plain(dy),
                    plain(xbc),
                    parts.at(step), parts.at(sums), parts.at(products), slices, s.batch(), s.length(), s.heads(),
                    s.headDim(),
                    s.groups(), s.dState());
            t.inputGradient.launch(
                    Grid.of(n.ofChunks * s.heads() * n.pTiles, THREADS), plain(dXbc), parts.at(direct), parts.at(skips),
                    plain(
                            dy),
                    plain(xbc), orNull(d), parts.at(step), parts.at(sums), parts.at(products), parts.at(gradients),
                    hasDLast, s
                            .perChannelD(),
                    s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
            t.bcGradient.launch(
                    Grid.of(n.ofChunks * s.groups() * n.nTiles * 2, THREADS), plain(dXbc), parts.at(terms), plain(dy),
                    plain(
                            xbc),
                    parts.at(step), parts.at(sums), parts.at(states), parts.at(gradients), parts.at(map), hasInitial,
                    hasDLast,
                    slices, s.batch(), s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
            stepGradient.launch(
                    Grid.of(Grid.blocks(n.ofChunks * s.heads(), WARPS), THREADS), plain(dDt), parts.at(partial),
                    plain(dt),
                    plain(dtBias), plain(aLog), parts.at(step), parts.at(terms), parts.at(within), parts.at(direct),
                    parts.at(
                            overlap),
                    s.dtMin(), s.dtMax(), s.batch(), s.length(), s.heads(), n.pTiles, n.nTiles);
            sum(plain(dDtBias).address(), plain(dALog).address(), parts.at(partial), n.ofChunks, 2 * s.heads(),
                    s.heads());
            if (d != null && s.perChannelD()) {
                sum(plain(dD).address(), 0, parts.at(skips), n.ofChunks, s.innerDim(), s.innerDim());
            } else if (d != null) {
                sum(parts.at(skipSums), 0, parts.at(skips), n.ofChunks, s.innerDim(), s.innerDim());
                sumHeads.launch(
                        Grid.of(Grid.blocks(s.heads(), WARPS), THREADS), plain(dD), parts.at(skipSums), s.heads(),
                        s.headDim());
            }
        }
    }

    /** Column sums of a matrix: the first columns to one place, the others to another. */
    private void sum(long first, long second, long partial, int rows, int columns, int firstCount) {
        sum.launch(
                Grid.of(Grid.blocks(columns, WARP), 1).threads(WARP, 8), first, second, partial, rows, columns,
                firstCount);
    }
}
