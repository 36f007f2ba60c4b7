#!/bin/sh
# Checks and measures the CUDA backend on a machine with an NVIDIA GPU: every operation against the scalar backend and finite
# differences, the original model's data, memory and race checks, pictures, speed. Prints a table and fails if a step does. Takes
# less than eight minutes.
#
#   kernels/gpu-check.sh [STEP...]      steps: doctor ops golden sanitizer picture bench (default: all)
#   kernels/gpu-check.sh pack FOLDER    puts all it needs into FOLDER: a Java runtime image, jars, data, this script
#
# A bare machine needs the driver and such a folder, nothing else: copy it there and run ./gpu-check.sh in it. Here it uses
# what `./aim` has built. AIM_JAVA_OPTS: further flags for java. OUT: a folder for logs and figures (default: gpu-check in the
# current one).
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)

if [ -f "$here/aim-cli.jar" ]; then # a packed folder
    jar=$here/aim-cli.jar
    golden=$here/golden
    java=$here/runtime/bin/java
else
    root=$(CDPATH= cd -- "$here/.." && pwd -P)
    "$root/aim" --version >/dev/null # builds what is missing
    jar=$root/aim-cli/target/aim-cli.jar
    golden=$root/aim-core/src/test/resources/golden
    java=$("$root/aim" doctor 2>/dev/null | sed -n 's/^java .*, \(\/.*\)$/\1/p')/bin/java
fi

if [ "${1-}" = pack ]; then
    folder=${2:?"a folder to fill, expected as the second argument"}
    [ ! -e "$folder" ] || { echo "pack: $folder is there already, expected a new folder" >&2; exit 1; }
    mkdir -p "$folder"
    cp "$jar" "$folder/aim-cli.jar"
    cp -r "$(dirname "$jar")/lib" "$folder/lib"
    cp -r "$golden" "$folder/golden"
    cp "$here/gpu-check.sh" "$folder/"
    "$(dirname "$java")/jlink" --output "$folder/runtime" --strip-debug --no-header-files --no-man-pages --compress zip-0 \
        --add-modules java.base,java.desktop,java.logging,java.management,java.net.http,jdk.incubator.vector,jdk.unsupported
    du -sh "$folder"
    exit
fi

steps=${*:-doctor ops golden sanitizer picture bench}
for wanted in $steps; do # all, before the first takes its time
    case $wanted in
        doctor | ops | golden | sanitizer | picture | bench) ;;
        *)
            echo "step: $wanted, expected doctor, ops, golden, sanitizer, picture or bench" >&2
            exit 2
            ;;
    esac
done

out=${OUT:-gpu-check}
mkdir -p "$out"

# shellcheck disable=SC2086 # flags are words
aim() {
    "$java" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseParallelGC ${AIM_JAVA_OPTS-} \
        ${flags-} -jar "$jar" "$@"
}

flags= # for java, of one step
failed=0
table=
small='x17\b|2x65|7x129|2x6x16x16|2x12x19x13|k3 s2|513x5|1x70|5x64|130x5'

# Runs step $1, the rest being its command, with its output in a log; adds a line to the table.
step() {
    name=$1
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    begin=$(date +%s)
    if "$@" >"$out/$name.log" 2>&1; then verdict=passed; else verdict=FAILED; failed=1; fi
    end=$(date +%s)
    tail -n 40 "$out/$name.log"
    table="$table$(printf '%-22s %-8s %4d s' "$name" "$verdict" $((end - begin)))
"
}

skip() {
    printf '\n== %s: skipped, %s\n' "$1" "$2"
    table="$table$(printf '%-22s skipped  %s' "$1" "$2")
"
}

check_doctor() {
    aim doctor >"$out/doctor.txt"
    cat "$out/doctor.txt"
    grep -q '^backend  *cuda: works' "$out/doctor.txt"
}

# Tools of the CUDA toolkit, where it is there; some cases of each family, as they slow kernels down a hundred times.
sanitize() {
    # shellcheck disable=SC2086
    "$sanitizer" --tool "$1" --error-exitcode 9 --launch-timeout 0 "$java" --add-modules=jdk.incubator.vector \
        --enable-native-access=ALL-UNNAMED ${AIM_JAVA_OPTS-} -jar "$jar" verify --ops --only "$2" --device cuda
}

# For eyes: both should show the same clothes.
check_picture() {
    aim generate --label all --seed 7 --device cpu --grid --zoom 3 --out "$out/cpu.png" &&
        aim generate --label all --seed 7 --device cuda --grid --zoom 3 --out "$out/cuda.png"
}

run_bench() {
    name=$1
    shift
    step "bench-$name" aim bench --device cuda --seconds 3 --json "$out/bench-$name.json" "$@"
}

for wanted in $steps; do
    case $wanted in
        doctor) step doctor check_doctor ;;
        ops)
            step ops aim verify --ops --device cuda
            ;;
        golden) step golden aim verify --golden "$golden" --device cuda ;;
        sanitizer)
            sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1) || sanitizer=
            if [ -n "$sanitizer" ]; then
                step memcheck sanitize memcheck "$small"
                step racecheck sanitize racecheck "$small"
            else
                skip sanitizer "no compute-sanitizer on this machine"
            fi
            ;;
        picture) step picture check_picture ;;
        bench)
            run_bench decode --preset aim-b,aim-xl --weights bf16 --batch 1 --guided on --work lm-decode
            flags=-Daim.cuda.fused=off # what the kernels for several operations at once gain
            run_bench decode-unfused --preset aim-b,aim-xl --weights bf16 --batch 1 --guided on --work lm-decode
            flags=
            run_bench batch --preset aim-xl --weights bf16 --batch 64 --guided on --work generate --matmul bf16x3
            run_bench vq --work vq-decode,vq-encode --vq-batch 1,64 --matmul bf16x3
            run_bench train --preset aim-b --weights f32 --work train-step --train-batch 64 --matmul bf16
            ;;
    esac
done

printf '\n%s' "$table"
exit "$failed"
