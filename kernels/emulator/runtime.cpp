// The emulated multiprocessor: fibres, barriers, warp collectives. See cuda.h.
#include "runtime.h"

#include <sys/mman.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulator {

namespace {

constexpr size_t STACK = 128 * 1024;
constexpr unsigned MAX_THREADS = 1024;
constexpr size_t MAX_SHARED = 227 * 1024;

enum class Wait { NOTHING, BLOCK, WARP, OVER };

#if defined(__x86_64__)
// Saves what a call must keep on the old stack, and continues on the new one.
extern "C" void aim_emulator_switch(void** save, void* load);
asm(R"(
.text
.globl aim_emulator_switch
.hidden aim_emulator_switch
.type aim_emulator_switch, @function
aim_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

struct Context {
    void* stack_pointer = nullptr;

    void start(char* stack, void (*entry)()) {
        auto* top = reinterpret_cast<uint64_t*>(stack + STACK) - 2;
        top[1] = 0; // where the entry would return to
        top[0] = reinterpret_cast<uint64_t>(entry);
        top -= 6;
        std::memset(top, 0, 6 * sizeof(uint64_t));
        stack_pointer = top;
    }
    void switch_to(Context& other) { aim_emulator_switch(&stack_pointer, other.stack_pointer); }
};
#else
struct Context {
    ucontext_t context;

    void start(char* stack, void (*entry)()) {
        getcontext(&context);
        context.uc_stack.ss_sp = stack;
        context.uc_stack.ss_size = STACK;
        context.uc_link = nullptr;
        makecontext(&context, entry, 0);
    }
    void switch_to(Context& other) { swapcontext(&context, &other.context); }
};
#endif

struct Copy {
    void* to;
    const void* from; // null: zeros
};

struct Warp {
    uint64_t values[2][32];
    unsigned present = 0, arrived = 0, mask = 0;
    unsigned generation = 0;
};

} // namespace

struct Thread {
    Context context;
    dim3 index;
    unsigned number = 0;
    Wait wait = Wait::NOTHING;
    unsigned generation = 0; // of the barrier it waits for
    Warp* warp = nullptr;
    std::vector<std::vector<Copy>> copies; // committed groups
    std::vector<Copy> group;
};

Thread* self;
dim3 block_index, block_size, grid_size;

namespace {

Thread threads[MAX_THREADS];
Warp warps[MAX_THREADS / 32];
char* stacks;
Context scheduler;
alignas(256) char shared_memory[MAX_SHARED];
const char* kernel_name = "?";
void (*body)(void* const*);
void* const* arguments;
unsigned block_generation;
unsigned arrived_at_block;
unsigned threads_of_block;
uint64_t order_seed = 1;

void yield() { self->context.switch_to(scheduler); }

[[noreturn]] void run_thread() {
    body(arguments);
    self->wait = Wait::OVER;
    yield();
    std::abort();
}

bool is_ready(const Thread& t) {
    switch (t.wait) {
        case Wait::NOTHING: return true;
        case Wait::BLOCK: return t.generation != block_generation;
        case Wait::WARP: return t.generation != t.warp->generation;
        default: return false;
    }
}

// A thread can only see that another one ran before it where it did not synchronise: AIM_EMULATOR_ORDER=reverse or random shows it.
int order() {
    static const int chosen = [] {
        const char* name = std::getenv("AIM_EMULATOR_ORDER");
        return name == nullptr ? 0 : std::strcmp(name, "reverse") == 0 ? 1 : std::strcmp(name, "random") == 0 ? 2 : 0;
    }();
    return chosen;
}

unsigned place(unsigned i, unsigned offset) {
    switch (order()) {
        case 1: return threads_of_block - 1 - i;
        case 2: return (i + offset) % threads_of_block;
        default: return i;
    }
}

void run_block() {
    for (unsigned w = 0; w * 32 < threads_of_block; w++) {
        unsigned count = std::min(32u, threads_of_block - w * 32);
        warps[w].present = count == 32 ? 0xffffffffu : (1u << count) - 1;
        warps[w].arrived = 0;
        warps[w].generation = 0;
    }
    block_generation = 0;
    arrived_at_block = 0;
    for (unsigned i = 0; i < threads_of_block; i++) {
        Thread& t = threads[i];
        t.number = i;
        t.index = {i % block_size.x, i / block_size.x % block_size.y, i / block_size.x / block_size.y};
        t.wait = Wait::NOTHING;
        t.warp = &warps[i / 32];
        t.copies.clear();
        t.group.clear();
        t.context.start(stacks + i * STACK, run_thread);
    }
    unsigned left = threads_of_block;
    while (left > 0) {
        bool ran = false;
        order_seed = order_seed * 6364136223846793005u + 1442695040888963407u;
        unsigned offset = static_cast<unsigned>(order_seed >> 33);
        for (unsigned i = 0; i < threads_of_block; i++) {
            Thread& t = threads[place(i, offset)];
            if (!is_ready(t)) continue;
            ran = true;
            self = &t;
            scheduler.switch_to(t.context);
            if (t.wait == Wait::OVER) {
                left--;
                if (!t.group.empty() || !t.copies.empty()) fail("thread ended with asynchronous copies under way");
            }
        }
        if (!ran) {
            unsigned at_block = 0, at_warp = 0;
            for (unsigned i = 0; i < threads_of_block; i++) {
                at_block += threads[i].wait == Wait::BLOCK && !is_ready(threads[i]);
                at_warp += threads[i].wait == Wait::WARP && !is_ready(threads[i]);
            }
            std::fprintf(stderr, "emulator: %u of %u threads at a block barrier, %u at a warp collective, %u ended\n", at_block,
                    threads_of_block, at_warp, threads_of_block - left);
            fail("a barrier is not reached by all threads");
        }
    }
}

} // namespace

void fail(const char* what) {
    std::fprintf(stderr, "emulator: kernel %s, block (%u, %u, %u): %s\n", kernel_name, block_index.x, block_index.y, block_index.z,
            what);
    std::fflush(stderr);
    std::abort();
}

const dim3& thread_index() { return self->index; }
int lane() { return static_cast<int>(self->number % 32); }
void* dynamic_shared() { return shared_memory; }
unsigned present_lanes() { return self->warp->present; }

void block_barrier() {
    if (++arrived_at_block == threads_of_block) {
        arrived_at_block = 0;
        block_generation++;
        return;
    }
    self->wait = Wait::BLOCK;
    self->generation = block_generation;
    yield();
    self->wait = Wait::NOTHING;
}

const uint64_t* warp_exchange(unsigned mask, uint64_t value) {
    Warp& w = *self->warp;
    mask &= w.present;
    unsigned bit = 1u << lane();
    if (!(mask & bit)) fail("a lane calls a collective under a mask without it");
    if (w.arrived != 0 && w.mask != mask) fail("warp collectives under two masks at a time");
    uint64_t* values = w.values[w.generation & 1];
    values[lane()] = value;
    w.mask = mask;
    w.arrived |= bit;
    if (w.arrived == mask) {
        w.arrived = 0;
        w.generation++;
        return values;
    }
    self->wait = Wait::WARP;
    self->generation = w.generation;
    yield();
    self->wait = Wait::NOTHING;
    return values;
}

namespace {

// All lanes' registers, `count` each.
void gather(unsigned (&all)[8][32], const unsigned* mine, int count) {
    for (int i = 0; i < count; i++) {
        const uint64_t* values = warp_exchange(0xffffffffu, mine[i]);
        for (int l = 0; l < 32; l++) all[i][l] = static_cast<unsigned>(values[l]);
    }
}

float half_of(unsigned pair, int which) {
    unsigned u = which == 0 ? pair << 16 : pair & 0xffff0000u;
    float f;
    std::memcpy(&f, &u, 4);
    return f;
}

float tf32_of(unsigned u) {
    u &= 0xffffe000u;
    float f;
    std::memcpy(&f, &u, 4);
    return f;
}

} // namespace

void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    unsigned as[8][32], bs[8][32];
    gather(as, a, 4);
    gather(bs, b, 2);
    int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; i++) {
        int row = g + (i / 2) * 8, column = 2 * t + i % 2;
        float sum = d[i];
        for (int k = 0; k < 16; k++) {
            // element (row, k) of A: register (row / 8) + 2 (k / 8) of lane 4 (row % 8) + k % 8 / 2
            float x = half_of(as[row / 8 + 2 * (k / 8)][4 * (row % 8) + k % 8 / 2], k % 2);
            float y = half_of(bs[k / 8][4 * column + k % 8 / 2], k % 2);
            sum = std::fma(x, y, sum);
        }
        d[i] = sum;
    }
}

void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    unsigned as[8][32], bs[8][32];
    gather(as, a, 4);
    gather(bs, b, 2);
    int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; i++) {
        int row = g + (i / 2) * 8, column = 2 * t + i % 2;
        float sum = d[i];
        for (int k = 0; k < 8; k++) {
            float x = tf32_of(as[row / 8 + 2 * (k / 4)][4 * (row % 8) + k % 4]);
            float y = tf32_of(bs[k / 4][4 * column + k % 4]);
            sum = std::fma(x, y, sum);
        }
        d[i] = sum;
    }
}

void ldmatrix(unsigned* r, int count, const void* row, bool transposed) {
    const uint64_t* rows = warp_exchange(0xffffffffu, reinterpret_cast<uint64_t>(row));
    if (reinterpret_cast<uint64_t>(row) % 16 != 0) fail("ldmatrix: a row that is not 16-byte aligned");
    for (int j = 0; j < count; j++) {
        uint16_t pair[2];
        for (int half = 0; half < 2; half++) {
            int i = lane() / 4, k = 2 * (lane() % 4) + half;
            int from_row = transposed ? k : i, from_column = transposed ? i : k;
            const auto* elements = reinterpret_cast<const uint16_t*>(rows[8 * j + from_row]);
            std::memcpy(&pair[half], elements + from_column, 2);
        }
        r[j] = pair[0] | static_cast<unsigned>(pair[1]) << 16;
    }
    warp_exchange(0xffffffffu, 0); // no lane may overwrite the rows before all have read
}

void copy_async(void* to, const void* from, bool valid) {
    if (reinterpret_cast<uint64_t>(to) % 16 != 0 || (valid && reinterpret_cast<uint64_t>(from) % 16 != 0)) {
        fail("asynchronous copy: an address that is not 16-byte aligned");
    }
    self->group.push_back({to, valid ? from : nullptr});
}

void copy_async_commit() {
    self->copies.push_back(std::move(self->group));
    self->group.clear();
}

void copy_async_wait(int pending) {
    auto& groups = self->copies;
    while (static_cast<int>(groups.size()) > pending) {
        for (const Copy& c : groups.front()) {
            if (c.from != nullptr) {
                std::memcpy(c.to, c.from, 16);
            } else {
                std::memset(c.to, 0, 16);
            }
        }
        groups.erase(groups.begin());
    }
}

void run(const Kernel& kernel, dim3 grid, dim3 block, size_t shared_bytes, void* const* kernel_arguments) {
    if (stacks == nullptr) {
        stacks = static_cast<char*>(mmap(nullptr, MAX_THREADS * STACK, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (stacks == MAP_FAILED) {
            std::perror("emulator: stacks");
            std::abort();
        }
    }
    kernel_name = kernel.name;
    body = kernel.call;
    arguments = kernel_arguments;
    grid_size = grid;
    block_size = block;
    threads_of_block = block.x * block.y * block.z;
    for (unsigned z = 0; z < grid.z; z++) {
        for (unsigned y = 0; y < grid.y; y++) {
            for (unsigned x = 0; x < grid.x; x++) {
                block_index = {x, y, z};
                std::memset(shared_memory, 0xff, shared_bytes); // NaN
                run_block();
            }
        }
    }
}

} // namespace emulator
