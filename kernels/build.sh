#!/bin/sh
# Compiles the kernels to PTX, the resources of aim-cuda. Run it after every change of a .cu or .cuh and commit what it writes.
#
#   kernels/build.sh [FOLDER]
#
# Needs nvcc and ptxas (CUDA 12.4 or newer); who builds or runs AiM does not. The PTX is for compute_80 and declares version 7.8, so
# every driver of the CUDA 12 series loads it, and compiles it for whatever GPU it finds. `ptxas` must accept each file for the GPUs
# below; its report of registers and spilled bytes is printed with AIM_PTXAS_REPORT=1.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
out=${1:-$here/../aim-cuda/src/main/resources/org/aimjvm/cuda}
mkdir -p "$out"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

for source in "$here"/*.cu; do
    name=$(basename "$source" .cu)
    nvcc -std=c++20 -ptx -arch=compute_80 -O3 --diag-suppress 177 -Werror all-warnings -o "$temporary/$name.ptx" "$source"
    # The comments name nvcc's build, the version this nvcc writes by default is newer than the instructions need. Which bytes of a
    # vector load are used is a hint that older versions do not know.
    sed -e '/^\/\//d' -e '/^$/d' -e '/^[[:space:]]*\.pragma "used_bytes_mask/d' -e 's/^\.version .*/.version 7.8/' "$temporary/$name.ptx" >"$temporary/$name.clean"
    for target in sm_80 sm_86 sm_89 sm_90; do
        report=
        [ "${AIM_PTXAS_REPORT-}" = 1 ] && [ "$target" = sm_90 ] && report=-v
        # shellcheck disable=SC2086
        ptxas $report -arch=$target -o "$temporary/$name.cubin" "$temporary/$name.clean"
    done
    mv "$temporary/$name.clean" "$out/$name.ptx"
done
