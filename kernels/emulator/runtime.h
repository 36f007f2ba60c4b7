// Between driver.cpp and runtime.cpp.
#pragma once

#include "cuda.h"

namespace emulator {

// Runs all blocks of a launch, one after another.
void run(const Kernel& kernel, dim3 grid, dim3 block, size_t shared_bytes, void* const* arguments);

// Says what is wrong with the running kernel and ends the process: the mistake would hang or crash a GPU, or be silent there.
[[noreturn]] void fail(const char* what);

} // namespace emulator
