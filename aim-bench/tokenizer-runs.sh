# What measure-codebook and measure-perceptual share, to be sourced by them: small tokenizers at equal steps, judged
# by their reconstructions of held-out pictures. One thread a run, two runs at a time.
#
# Expects: root (of the repository), out (folder of the runs), steps, judge (folder of a classifier).
# JOBS (environment): runs at a time, "2".

# Trains and judges the tokenizer of name $1, seed $2 and options $3, unless that is done or under way; the rest: the
# pictures.
run() {
    name=$1-$2
    seed=$2
    options=$3
    shift 3
    [ ! -f "$out/$name.json" ] && mkdir "$out/$name.taken" 2>/dev/null || return 0
    rm -rf "${out:?}/$name"
    # shellcheck disable=SC2086 # options are words
    "$root/aim" train vq "$@" --ch 16 --ch-mult 1,2,2 --res-blocks 1 --z-channels 32 --norm-groups 8 --codebook 1024 \
        --batch 16 --lr 2e-3 --weight-decay 0 --steps "$steps" --seed "$seed" --threads 1 --validate-every 0 \
        --sample-every 0 --checkpoint-every 0 --out "$out/$name" $options >"$out/$name.log" 2>&1
    "$root/aim" evaluate --model "$out/$name/model" "$@" --judge "$judge" --threads 1 --min-real 0 --json "$out/$name.json" \
        >>"$out/$name.log" 2>&1
}

# Calls runs, which the script defines as a list of run, in JOBS processes that share its items.
all_runs() {
    mkdir -p "$out"
    rm -rf "$out"/*.taken
    left=${JOBS-2}
    while [ "$left" -gt 1 ]; do
        runs "$@" &
        left=$((left - 1))
    done
    runs "$@"
    wait
    rm -rf "$out"/*.taken
}

# The figure of name $2 in the judgement $1, in the format $3 of printf, times $4 (or 1).
figure() {
    sed -n "s/^ *\"$2\" : \([-0-9.eE]*\).*/\1/p" "$1" | LC_ALL=C awk -v f="$3" -v by="${4-1}" '{ printf f, by * $1 }'
}
