#!/bin/sh
# Builds the emulated device with all kernels in it: FOLDER/libcuda.so.1, for tests on machines without a GPU.
# Beside it the stand-ins for cuBLAS: FOLDER/cublas-12/libcublas.so.12 and FOLDER/cublas-13/libcublas.so.13.
#
#   kernels/emulator/build.sh FOLDER
#
# Needs a C++20 compiler (CXX, or g++, or clang++). Without one it leaves FOLDER/absent with the reason and succeeds. Compiles only
# what has changed.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
folder=${1:?"a folder for the library, expected as the first argument"}
mkdir -p "$folder"
rm -f "$folder/absent"

cxx=
for candidate in ${CXX-} g++ clang++; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        echo 'template <auto x> struct A {}; A<1> a;' | "$candidate" -std=c++20 -x c++ -fsyntax-only - 2>/dev/null; then
        cxx=$candidate
        break
    fi
done
if [ -z "$cxx" ]; then
    echo "no C++20 compiler (CXX, g++ or clang++)" >"$folder/absent"
    rm -f "$folder/libcuda.so.1"
    exit 0
fi

case $(uname -m) in
    x86_64) machine="-march=native" ;;
    *) machine= ;;
esac
flags="-std=c++20 -O2 $machine -ffp-contract=fast -fPIC -fvisibility=hidden -Wall -Wno-unknown-pragmas -I$here/.. -I$here"

# $1: source, $2: object. Again if it or a header is newer.
stale() {
    [ ! -f "$2" ] || [ -n "$(find "$1" "$here"/*.h "$here"/*.sh "$here"/../*.cuh -newer "$2" | head -n 1)" ]
}

objects=
running=
for source in "$here"/runtime.cpp "$here"/driver.cpp "$here"/../*.cu; do
    name=$(basename "$source")
    object=$folder/$name.o
    objects="$objects $object"
    stale "$source" "$object" || continue
    unit=$source
    case $name in
        *.cu)
            unit=$folder/$name.cpp
            {
                echo "#include \"$source\""
                # One registration for each kernel.
                sed -n 's/^extern "C" __global__ void.* \([a-z0-9_]*\)(.*/EMULATOR_KERNEL(\1)/p' "$source"
            } >"$unit"
            ;;
    esac
    # shellcheck disable=SC2086 # flags are words
    { "$cxx" $flags -c "$unit" -o "$object.new" && mv "$object.new" "$object"; } &
    running="$running $!"
    if [ "$(echo "$running" | wc -w)" -ge 2 ]; then
        for pid in $running; do wait "$pid"; done
        running=
    fi
done
for pid in $running; do wait "$pid"; done
library=$folder/libcuda.so.1
for object in $objects; do
    if [ ! -f "$library" ] || [ "$object" -nt "$library" ]; then
        # shellcheck disable=SC2086
        "$cxx" -shared -Wl,-soname,libcuda.so.1 -o "$library.new" $objects
        mv "$library.new" "$library"
        break
    fi
done

# What stands for cuBLAS, by CUDA version, each in a folder of its own: tests put one or the other on LD_LIBRARY_PATH.
for version in 12 13; do
    library=$folder/cublas-$version/libcublas.so.$version
    stale "$here/cublas.cpp" "$library" || continue
    mkdir -p "$folder/cublas-$version"
    echo "libcublas.so.$version { global: cublas*; local: *; };" >"$folder/cublas-$version/symbols"
    # shellcheck disable=SC2086
    "$cxx" $flags -DAIM_CUBLAS_VERSION=$version -shared -Wl,-soname,"libcublas.so.$version" \
        -Wl,--version-script="$folder/cublas-$version/symbols" -o "$library.new" "$here/cublas.cpp"
    mv "$library.new" "$library"
done
