// The part of NVIDIA's driver library that aim-cuda calls, with an emulated device behind it: built as libcuda.so.1, it lets
// JCuda, the launchers and the kernels run on a machine without a GPU. For tests; see cuda.h for what the device is.
//
// Settings: AIM_EMULATOR_MEMORY, bytes of the device (default 4 GiB); AIM_EMULATOR_ORDER, see runtime.cpp.
#include "runtime.h"

#include <map>
#include <mutex>
#include <string>

namespace {

using emulator::Kernel;

enum Result {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    LAUNCH_OUT_OF_RESOURCES = 701,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
};

constexpr size_t GUARD = 256;
constexpr unsigned char GUARD_BYTE = 0xa5;

std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}

struct Allocation {
    char* memory; // with a guard on both sides
    size_t bytes;
};

struct Function {
    Kernel kernel;
    int dynamic_shared = 48 * 1024; // the most a launch may ask for
};

struct Node {
    const Function* function = nullptr; // null: a copy or a fill
    dim3 grid, block;
    unsigned shared = 0;
    std::vector<std::vector<char>> arguments;
    char* to = nullptr;
    const char* from = nullptr; // null: a fill
    size_t count = 0;
    unsigned value = 0;
    int width = 1; // bytes of a filled element
};

struct Graph {
    std::vector<Node> nodes;
};

struct Stream {
    Graph* capturing = nullptr;
};

std::recursive_mutex lock;
bool initialised;
std::map<char*, Allocation> allocations; // by what the caller sees
size_t used;
int context_object;
thread_local void* current_context;
std::map<std::string, Function> functions;

size_t total() {
    static const size_t bytes = [] {
        const char* set = std::getenv("AIM_EMULATOR_MEMORY");
        return set == nullptr ? size_t{4} << 30 : static_cast<size_t>(std::strtoull(set, nullptr, 10));
    }();
    return bytes;
}

void check_guards(const char* at, const Allocation& a) {
    for (size_t i = 0; i < GUARD; i++) {
        bool before = static_cast<unsigned char>(at[-1 - static_cast<long>(i)]) != GUARD_BYTE;
        bool behind = static_cast<unsigned char>(at[a.bytes + i]) != GUARD_BYTE;
        if (before || behind) {
            std::fprintf(stderr, "emulator: device memory of %zu bytes, written %zu bytes %s it\n", a.bytes, i + 1,
                    before ? "before" : "behind");
            std::abort();
        }
    }
}

// Now and then: there may be thousands of allocations, and each is checked when it is freed.
void check_all_guards() {
    static unsigned turn;
    if (++turn % 128 != 0) return;
    for (const auto& [at, a] : allocations) check_guards(at, a);
}

void execute(const Node& n) {
    if (n.function != nullptr) {
        std::vector<void*> pointers;
        for (const auto& a : n.arguments) pointers.push_back(const_cast<char*>(a.data()));
        emulator::run(n.function->kernel, n.grid, n.block, n.shared, pointers.data());
    } else if (n.from != nullptr) {
        std::memmove(n.to, n.from, n.count);
    } else {
        for (size_t i = 0; i < n.count; i++) std::memcpy(n.to + i * n.width, &n.value, n.width);
    }
}

int submit(Stream* stream, Node node) {
    if (current_context == nullptr) return INVALID_CONTEXT;
    if (stream != nullptr && stream->capturing != nullptr) {
        stream->capturing->nodes.push_back(std::move(node));
    } else {
        execute(node);
    }
    return SUCCESS;
}

} // namespace

void emulator::add(const Kernel& kernel) { kernels()[kernel.name] = kernel; }

#define DRIVER extern "C" __attribute__((visibility("default"))) int
#define LOCKED std::lock_guard<std::recursive_mutex> guard(lock)

DRIVER cuInit(unsigned flags) {
    initialised = true;
    return flags == 0 ? SUCCESS : INVALID_VALUE;
}

DRIVER cuDriverGetVersion(int* version) {
    *version = 12060;
    return SUCCESS;
}

DRIVER cuGetErrorName(int error, const char** name) {
    switch (error) {
        case SUCCESS: *name = "CUDA_SUCCESS"; break;
        case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; break;
        case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
        case NOT_INITIALIZED: *name = "CUDA_ERROR_NOT_INITIALIZED"; break;
        case INVALID_DEVICE: *name = "CUDA_ERROR_INVALID_DEVICE"; break;
        case INVALID_CONTEXT: *name = "CUDA_ERROR_INVALID_CONTEXT"; break;
        case INVALID_HANDLE: *name = "CUDA_ERROR_INVALID_HANDLE"; break;
        case NOT_FOUND: *name = "CUDA_ERROR_NOT_FOUND"; break;
        case LAUNCH_OUT_OF_RESOURCES: *name = "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"; break;
        case CAPTURE_UNSUPPORTED: *name = "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"; break;
        case CAPTURE_INVALIDATED: *name = "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"; break;
        default: *name = nullptr; return INVALID_VALUE;
    }
    return SUCCESS;
}

DRIVER cuGetErrorString(int error, const char** text) { return cuGetErrorName(error, text); }

DRIVER cuDeviceGetCount(int* count) {
    *count = 1;
    return initialised ? SUCCESS : NOT_INITIALIZED;
}

DRIVER cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? SUCCESS : INVALID_DEVICE;
}

DRIVER cuDeviceGetName(char* name, int length, int) {
    std::snprintf(name, static_cast<size_t>(length), "AiM emulated device");
    return SUCCESS;
}

DRIVER cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 1: *value = 1024; break;         // threads of a block
        case 8: *value = 48 * 1024; break;    // shared memory of a block
        case 10: *value = 32; break;          // warp
        case 16: *value = 4; break;           // multiprocessors
        case 39: *value = 2048; break;        // threads of a multiprocessor
        case 75: *value = 8; break;           // compute capability
        case 76: *value = 0; break;
        case 81: *value = 164 * 1024; break;  // shared memory of a multiprocessor
        case 97: *value = 163 * 1024; break;  // shared memory of a block on request
        default: *value = 0;
    }
    return SUCCESS;
}

DRIVER cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = total();
    return SUCCESS;
}

DRIVER cuDevicePrimaryCtxRetain(void** context, int) {
    *context = &context_object;
    return initialised ? SUCCESS : NOT_INITIALIZED;
}

DRIVER cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }

DRIVER cuCtxSetCurrent(void* context) {
    current_context = context;
    return SUCCESS;
}

DRIVER cuCtxGetCurrent(void** context) {
    *context = current_context;
    return SUCCESS;
}

DRIVER cuCtxSynchronize() { return current_context == nullptr ? INVALID_CONTEXT : SUCCESS; }

DRIVER cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    LOCKED;
    *free_bytes = total() - used;
    *total_bytes = total();
    return current_context == nullptr ? INVALID_CONTEXT : SUCCESS;
}

DRIVER cuMemAlloc_v2(char** at, size_t bytes) {
    LOCKED;
    if (current_context == nullptr) return INVALID_CONTEXT;
    if (bytes == 0) return INVALID_VALUE;
    if (used + bytes > total()) return OUT_OF_MEMORY;
    auto* memory = static_cast<char*>(std::aligned_alloc(256, (bytes + 2 * GUARD + 255) / 256 * 256));
    if (memory == nullptr) return OUT_OF_MEMORY;
    std::memset(memory, GUARD_BYTE, GUARD);
    std::memset(memory + GUARD, 0xff, bytes); // NaN
    std::memset(memory + GUARD + bytes, GUARD_BYTE, GUARD);
    used += bytes;
    *at = memory + GUARD;
    allocations[*at] = {memory, bytes};
    return SUCCESS;
}

DRIVER cuMemFree_v2(char* at) {
    LOCKED;
    auto found = allocations.find(at);
    if (found == allocations.end()) return INVALID_VALUE;
    check_guards(at, found->second);
    used -= found->second.bytes;
    std::free(found->second.memory);
    allocations.erase(found);
    return SUCCESS;
}

DRIVER cuMemAllocHost_v2(void** at, size_t bytes) {
    *at = std::malloc(bytes);
    return *at == nullptr ? OUT_OF_MEMORY : SUCCESS;
}

DRIVER cuMemFreeHost(void* at) {
    std::free(at);
    return SUCCESS;
}

static int copy(Stream* stream, char* to, const char* from, size_t bytes, bool host) {
    LOCKED;
    if (host && stream != nullptr && stream->capturing != nullptr) return CAPTURE_UNSUPPORTED;
    Node n;
    n.to = to;
    n.from = from;
    n.count = bytes;
    return submit(stream, n);
}

DRIVER cuMemcpyHtoDAsync_v2(char* to, const char* from, size_t bytes, Stream* stream) { return copy(stream, to, from, bytes, true); }
DRIVER cuMemcpyDtoHAsync_v2(char* to, const char* from, size_t bytes, Stream* stream) { return copy(stream, to, from, bytes, true); }
DRIVER cuMemcpyDtoDAsync_v2(char* to, const char* from, size_t bytes, Stream* stream) { return copy(stream, to, from, bytes, false); }

DRIVER cuMemsetD32Async(char* to, unsigned value, size_t count, Stream* stream) {
    LOCKED;
    Node n;
    n.to = to;
    n.count = count;
    n.value = value;
    n.width = 4;
    return submit(stream, n);
}

DRIVER cuMemsetD16Async(char* to, unsigned short value, size_t count, Stream* stream) {
    LOCKED;
    Node n;
    n.to = to;
    n.count = count;
    n.value = value;
    n.width = 2;
    return submit(stream, n);
}

DRIVER cuMemsetD8Async(char* to, unsigned char value, size_t count, Stream* stream) {
    LOCKED;
    Node n;
    n.to = to;
    n.count = count;
    n.value = value;
    return submit(stream, n);
}

DRIVER cuStreamCreate(Stream** stream, unsigned) {
    *stream = new Stream;
    return SUCCESS;
}

DRIVER cuStreamDestroy_v2(Stream* stream) {
    delete stream;
    return SUCCESS;
}

DRIVER cuStreamSynchronize(Stream* stream) {
    LOCKED;
    check_all_guards();
    return stream != nullptr && stream->capturing != nullptr ? CAPTURE_UNSUPPORTED : SUCCESS;
}

DRIVER cuStreamBeginCapture_v2(Stream* stream, int) {
    LOCKED;
    if (stream->capturing != nullptr) return INVALID_VALUE;
    stream->capturing = new Graph;
    return SUCCESS;
}

DRIVER cuStreamEndCapture(Stream* stream, Graph** graph) {
    LOCKED;
    *graph = stream->capturing;
    stream->capturing = nullptr;
    return *graph == nullptr ? INVALID_VALUE : SUCCESS;
}

DRIVER cuStreamIsCapturing(Stream* stream, int* status) {
    *status = stream->capturing != nullptr;
    return SUCCESS;
}

DRIVER cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
    *executable = new Graph(*graph);
    return SUCCESS;
}

DRIVER cuGraphLaunch(Graph* executable, Stream* stream) {
    LOCKED;
    if (current_context == nullptr) return INVALID_CONTEXT;
    if (stream->capturing != nullptr) return CAPTURE_UNSUPPORTED;
    for (const Node& n : executable->nodes) execute(n);
    return SUCCESS;
}

DRIVER cuGraphGetNodes(Graph* graph, void**, size_t* count) { // the number alone, which our tests ask for
    *count = graph->nodes.size();
    return SUCCESS;
}

DRIVER cuGraphExecDestroy(Graph* executable) {
    delete executable;
    return SUCCESS;
}

DRIVER cuGraphDestroy(Graph* graph) {
    delete graph;
    return SUCCESS;
}

// The kernels are in this library; the text only says that somebody wants them.
DRIVER cuModuleLoadData(void** module, const char* image) {
    *module = const_cast<char*>("module");
    return image != nullptr && std::strstr(image, ".entry") != nullptr ? SUCCESS : INVALID_VALUE;
}

DRIVER cuModuleLoadDataEx(void** module, const char* image, unsigned, int*, void**) { return cuModuleLoadData(module, image); }

DRIVER cuModuleUnload(void*) { return SUCCESS; }

DRIVER cuModuleGetFunction(Function** function, void*, const char* name) {
    LOCKED;
    auto found = kernels().find(name);
    if (found == kernels().end()) return NOT_FOUND;
    auto [at, added] = functions.try_emplace(name, Function{found->second});
    (void)added;
    *function = &at->second;
    return SUCCESS;
}

DRIVER cuFuncSetAttribute(Function* function, int attribute, int value) {
    if (attribute == 8) { // dynamic shared memory
        if (value > 163 * 1024) return INVALID_VALUE;
        function->dynamic_shared = value;
    }
    return SUCCESS;
}

DRIVER cuFuncGetAttribute(int* value, int, Function*) {
    *value = 0;
    return SUCCESS;
}

DRIVER cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
        unsigned shared, Stream* stream, void** arguments, void** extra) {
    LOCKED;
    if (extra != nullptr || bx * by * bz == 0 || bx * by * bz > 1024 || bz > 64) return INVALID_VALUE;
    if (gx == 0 || gy == 0 || gz == 0 || gx > 0x7fffffff || gy > 65535 || gz > 65535) return INVALID_VALUE;
    if (static_cast<int>(shared) > function->dynamic_shared) return LAUNCH_OUT_OF_RESOURCES;
    Node n;
    n.function = function;
    n.grid = {gx, gy, gz};
    n.block = {bx, by, bz};
    n.shared = shared;
    for (size_t i = 0; i < function->kernel.sizes.size(); i++) {
        const char* a = static_cast<const char*>(arguments[i]);
        n.arguments.emplace_back(a, a + function->kernel.sizes[i]);
    }
    return submit(stream, std::move(n));
}

// Events: no time passes on an emulated device.
DRIVER cuEventCreate(void** event, unsigned) {
    *event = new int;
    return SUCCESS;
}
DRIVER cuEventDestroy_v2(void* event) {
    delete static_cast<int*>(event);
    return SUCCESS;
}
DRIVER cuEventRecord(void*, void*) { return SUCCESS; }
DRIVER cuEventSynchronize(void*) { return SUCCESS; }
DRIVER cuEventElapsedTime(float* milliseconds, void*, void*) {
    *milliseconds = 0;
    return SUCCESS;
}
