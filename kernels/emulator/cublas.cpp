// A stand-in for NVIDIA's cuBLAS on the emulated device, whose memory is the host's: the functions that aim-cuda calls, with plain
// loops behind them. Built as libcublas.so.12 and libcublas.so.13, with the versions of symbols that JCublas' native part asks for,
// it lets both bindings be loaded and called without a GPU. For tests of what is passed, not of the library's precision or speed; it
// computes at once, so it must not be called in a capture.
//
// Settings: AIM_CUBLAS_LOG, a file that each call is added to; AIM_CUBLAS_FAIL, a function that returns a status of 13.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#define CUBLAS extern "C" __attribute__((visibility("default"))) int

namespace {

constexpr int SUCCESS = 0;
constexpr int NOT_INITIALIZED = 1;
constexpr int INVALID_VALUE = 7;
constexpr int EXECUTION_FAILED = 13;

constexpr int R_32F = 0;
constexpr int FAST_16BF = 75;
constexpr int FAST_TF32 = 77;

struct Handle {
    const void* stream = nullptr;
    const void* workspace = nullptr;
    bool alive = true;
};

void note(const std::string& line) {
    const char* file = std::getenv("AIM_CUBLAS_LOG");
    if (file == nullptr) return;
    if (std::FILE* log = std::fopen(file, "a")) {
        std::fprintf(log, "%s\n", line.c_str());
        std::fclose(log);
    }
}

bool fails(const char* function) {
    const char* failing = std::getenv("AIM_CUBLAS_FAIL");
    return failing != nullptr && std::strcmp(failing, function) == 0;
}

int status_of(const char* function, const Handle* handle) {
    return handle == nullptr || !handle->alive ? NOT_INITIALIZED : fails(function) ? EXECUTION_FAILED : SUCCESS;
}

}  // namespace

CUBLAS cublasCreate_v2(Handle** handle) {
    note("create");
    if (fails("create")) return EXECUTION_FAILED;
    *handle = new Handle;
    return SUCCESS;
}

CUBLAS cublasDestroy_v2(Handle* handle) {
    note("destroy");
    int status = status_of("destroy", handle);
    if (status == SUCCESS) handle->alive = false; // stays, so that a later call is noticed
    return status;
}

CUBLAS cublasGetVersion_v2(Handle* handle, int* version) {
    *version = AIM_CUBLAS_VERSION * 10000 + 6 * 100;
    return status_of("version", handle);
}

CUBLAS cublasSetStream_v2(Handle* handle, const void* stream) {
    note(stream == nullptr ? "stream none" : "stream");
    int status = status_of("stream", handle);
    if (status == SUCCESS) {
        handle->stream = stream;
        handle->workspace = nullptr;
    }
    return status;
}

CUBLAS cublasSetWorkspace_v2(Handle* handle, const void* workspace, size_t bytes) {
    note("workspace " + std::to_string(bytes));
    int status = status_of("workspace", handle);
    if (status == SUCCESS) handle->workspace = workspace;
    return status;
}

CUBLAS cublasSetMathMode(Handle* handle, int mode) {
    note("math " + std::to_string(mode));
    return status_of("math", handle);
}

CUBLAS cublasGemmStridedBatchedEx(
        Handle* handle, int op_a, int op_b, int m, int n, int k, const float* alpha, const float* a, int type_a, int lda,
        long long stride_a, const float* b, int type_b, int ldb, long long stride_b, const float* beta, float* c, int type_c,
        int ldc, long long stride_c, int batch, int compute, int algorithm) {
    char line[256];
    std::snprintf(
            line, sizeof line, "product %c%c %d %d %d alpha %g lda %d %lld ldb %d %lld beta %g ldc %d %lld batch %d compute %d algorithm %d",
            op_a == 0 ? 'n' : 't', op_b == 0 ? 'n' : 't', m, n, k, *alpha, lda, stride_a, ldb, stride_b, *beta, ldc, stride_c,
            batch, compute, algorithm);
    note(line);
    int status = status_of("product", handle);
    if (status != SUCCESS) return status;
    if (handle->stream == nullptr || handle->workspace == nullptr || type_a != R_32F || type_b != R_32F || type_c != R_32F ||
        (compute != FAST_16BF && compute != FAST_TF32)) {
        return INVALID_VALUE;
    }
    for (int i = 0; i < batch; i++, a += stride_a, b += stride_b, c += stride_c) {
        for (int col = 0; col < n; col++) {
            for (int row = 0; row < m; row++) {
                double sum = 0;
                for (int d = 0; d < k; d++) {
                    float left = op_a == 0 ? a[row + static_cast<size_t>(d) * lda] : a[d + static_cast<size_t>(row) * lda];
                    float right = op_b == 0 ? b[d + static_cast<size_t>(col) * ldb] : b[col + static_cast<size_t>(d) * ldb];
                    sum += static_cast<double>(left) * right;
                }
                float& to = c[row + static_cast<size_t>(col) * ldc];
                to = static_cast<float>(*alpha * sum + (*beta == 0 ? 0 : *beta * to)); // with beta 0 what was there is not read
            }
        }
    }
    return SUCCESS;
}
