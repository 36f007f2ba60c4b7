#!/bin/sh
# Compiles the kernels to PTX, the resources of aim-cuda. Run it after every change of a .cu or .cuh and commit what it writes.
#
#   kernels/build.sh [FOLDER [NAME...]]      names of kernel files, without .cu; all of them if none is given
#
# Where a kernel or a parameter is new or renamed, KernelParametersTest writes the names anew (CONTRIBUTING.md says how).
#
# Needs nvcc and ptxas (CUDA 12.4 or newer); who builds or runs AiM does not. The PTX is for compute_80 and declares version 7.8, so
# every driver of the CUDA 12 series loads it, and compiles it for whatever GPU it finds. `ptxas` must accept each file for the GPUs
# below; its report of registers and spilled bytes is printed with AIM_PTXAS_REPORT=1.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
out=${1:-$here/../aim-cuda/src/main/resources/org/aimjvm/cuda}
mkdir -p "$out"
[ $# -eq 0 ] || shift
names=${*:-$(cd "$here" && ls -- *.cu)}
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# What the PTX was made of: nvcc names registers anew each time, so a test compares this instead of the text.
fingerprint() {
    (LC_ALL=C && export LC_ALL && cat "$1" "$here"/*.cuh) | sha256sum | cut -d ' ' -f 1
}

# One file: its PTX, taken by ptxas for every target.
compile() {
    name=$(basename "$1" .cu)
    nvcc -std=c++20 -ptx -arch=compute_80 -O3 --diag-suppress 177 -Werror all-warnings -o "$temporary/$name.ptx" "$1"
    # The comments name nvcc's build; the version it writes is newer than the instructions need, but for a pragma that is only a hint.
    echo "// made by kernels/build.sh of sources $(fingerprint "$1")" >"$temporary/$name.clean"
    sed -e '/^\/\//d' -e '/^$/d' -e '/^[[:space:]]*\.pragma "used_bytes_mask/d' -e 's/^\.version .*/.version 7.8/' \
        "$temporary/$name.ptx" >>"$temporary/$name.clean"
    for target in sm_80 sm_86 sm_89 sm_90; do
        report=
        [ "${AIM_PTXAS_REPORT-}" = 1 ] && [ "$target" = sm_90 ] && report=-v
        # shellcheck disable=SC2086
        ptxas $report -arch=$target -o "$temporary/$name.$target" "$temporary/$name.clean"
    done
    mv "$temporary/$name.clean" "$out/$name.ptx"
}

# As many at a time as there are processors.
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || processors=1
running=
for name in $names; do
    compile "$here/${name%.cu}.cu" &
    running="$running $!"
    if [ "$(echo "$running" | wc -w)" -ge "$processors" ]; then
        # shellcheck disable=SC2086
        set -- $running
        wait "$1"
        shift
        running=$*
    fi
done
for pid in $running; do wait "$pid"; done
