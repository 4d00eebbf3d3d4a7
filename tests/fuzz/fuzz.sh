# shellcheck shell=bash
# Sourced by ../../build.sh: feeds bytes to each tests/fuzz/fuzz_*.c, and keeps what it finds.

# New inputs go to build/fuzz/corpus, one that fails to build/fuzz/TARGET-crash-...
run_fuzz() { # run_fuzz SECONDS
    local target log found status=0
    for target in tests/fuzz/fuzz_*.c; do
        target=$(basename "$target" .c) log=build/fuzz/$target.log found=build/fuzz/corpus/$target
        mkdir -p "$found" "tests/fuzz/corpus/$target"
        say "$target, $1 seconds"
        "build/fuzz/$target" -max_total_time="$1" -max_len=512 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
            -artifact_prefix="build/fuzz/$target-" "$found" "tests/fuzz/corpus/$target" 2>&1 | tee "$log" |
            grep --line-buffered -E '^#[0-9]+[[:space:]]+(pulse|INITED|DONE)|ERROR|SUMMARY|Test unit written' || true
        if grep -q '^stat::number_of_executed_units' "$log" && ! grep -qE 'ERROR|SUMMARY' "$log"; then
            say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, nothing found"
        else
            say "$target failed: $log has the report; build/clang-sanitize/$target FILE runs one input again"
            status=1
        fi
    done
    return $status
}

# The smallest set of inputs that covers what all of them together do.
keep_fuzz() {
    local target kept
    for target in tests/fuzz/fuzz_*.c; do
        target=$(basename "$target" .c) kept=tests/fuzz/corpus/$target
        rm -rf "build/fuzz/kept" && mkdir -p "build/fuzz/kept" "$kept" "build/fuzz/corpus/$target"
        "build/fuzz/$target" -merge=1 -use_counters=0 -max_len=512 "build/fuzz/kept" "$kept" "build/fuzz/corpus/$target" \
            >"build/fuzz/$target.log" 2>&1 || return 1
        rm -rf "$kept" && mv "build/fuzz/kept" "$kept"
        say "$target: $(find "$kept" -type f | wc -l) inputs, $(cat "$kept"/* | wc -c) bytes"
    done
}
