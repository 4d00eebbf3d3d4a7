# shellcheck shell=bash
# Sourced by ../build.sh: runs the rings of tests, and counts what passed and what failed.

PASSED=0 FAILED=0

report() { # report RING PASSED FAILED [SKIPPED]
    say "$1: $2 passed, $3 failed${4:+, $4 skipped}"
    PASSED=$((PASSED + $2)) FAILED=$((FAILED + $3))
}

# attempt RING BUILD...: a build that fails counts as one failure, and the other rings still run.
attempt() {
    "${@:2}" && return
    report "$1, whose ${*:2} failed" 0 1
    return 1
}

# A fuzz target replays its corpus where nobody fuzzes, and so is a test program as well.
test_programs() {
    local source
    for source in tests/native/test_*.c tests/fuzz/fuzz_*.c; do basename "$source" .c; done
}

# part FLAVOUR: what it has of the cases of programs that share them out, "2/4"; another build has the first part.
part() {
    local flavour n=0 all=0
    for flavour in $NATIVE_FLAVOURS; do
        all=$((all + 1))
        [ "$flavour" != "$1" ] || n=$all
    done
    echo "$((n > 0 ? n : 1))/$all"
}

# run_native_program FLAVOUR PROGRAM: leaves .log, .status and .seconds.
run_native_program() {
    local base=build/$1/$2 status=0 started=$SECONDS
    PART=$(part "$1") "$base" >"$base.log" 2>&1 || status=$?
    echo $status >"$base.status"
    echo $((SECONDS - started)) >"$base.seconds"
}

LONG="test_golden test_gpt test_random" # programs that take long

# run_native FLAVOURS PROGRAM...: all of them, the long ones first, so that no core waits for them in the end.
run_native() {
    local flavour program
    export NATIVE_FLAVOURS
    export -f part run_native_program
    for program in $LONG $(printf '%s\n' "${@:2}" | grep -vxF "${LONG// /$'\n'}"); do
        case " ${*:2} " in *" $program "*) for flavour in $1; do echo "$flavour $program"; done ;; esac
    done | xargs -P "$CORES" -n 2 bash -c 'run_native_program "$@"' run
    for flavour in $1; do report_native "$flavour" "${@:2}"; done
}

# cmocka prints a RUN line before each test and an OK line after it, so that a crash is counted too.
report_native() { # report_native FLAVOUR PROGRAM...
    local flavour=$1 program base ran ok bad passed=0 failed=0
    for program in "${@:2}"; do
        base=build/$flavour/$program
        ran=$(grep -c '^\[ RUN      \]' "$base.log" || true)
        ok=$(grep -c '^\[       OK \]' "$base.log" || true)
        bad=$((ran - ok))
        # Red without a red test (a leak found at exit, no test at all) is a failure as well.
        if [ $bad = 0 ] && { [ "$(cat "$base.status")" != 0 ] || [ "$ran" = 0 ]; }; then bad=1; fi
        [ $bad = 0 ] || cat "$base.log"
        printf '  %-15s %-20s %s passed, %s failed\n' "$flavour" "$program" "$ok" "$bad"
        passed=$((passed + ok)) failed=$((failed + bad))
    done
    report "native $flavour" $passed $failed
}

# tap_count NAME LOG: the last "# NAME 5" of it, 0 where there is none.
tap_count() { sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$2" | tail -n 1 | grep . || echo 0; }

FILE_SECONDS=${FILE_SECONDS:-300} # for one file of tests

# run_test_files RING FILE...: in one process; leaves .tap, .status and .files in build/RING, under the name of the
# first. Node 20 can stop for ever, doing nothing, in any process that compiles WebAssembly (nodejs/node#54918):
# what does not end runs again, once.
run_test_files() {
    local log attempt status file imports=()
    log=build/$1/$(basename "$2")
    printf '%s\n' "${@:2}" >"$log.files"
    for file in "${@:3}"; do imports+=(--import "./$file"); done
    for attempt in first second; do
        status=0
        # Without --test, which starts a process that only starts this one.
        timeout -k 5 $(($# * FILE_SECONDS - FILE_SECONDS)) node --test-reporter=spec \
            --test-reporter-destination=stdout --test-reporter=tap --test-reporter-destination="$log.tap" \
            "${imports[@]}" "$2" >"$log.txt" 2>&1 || status=$?
        if [ $status != 124 ] || [ $attempt = second ]; then break; fi
        echo "${*:2} did not end within $FILE_SECONDS s: it runs again"
    done
    echo $status >"$log.status"
    cat "$log.txt"
}

# count KEY FILE...: the sum of their "# KEY 5".
count() { cat "${@:2}" | awk -v key="$1" '$1 == "#" && $2 == key { n += $3 } END { print n + 0 }'; }

# red_files LOG: of its files those with a red test; all of them where that is not told.
red_files() {
    local red
    red=$(grep -A 5 '^not ok' "$1.tap" | sed -n "s|^  location: '$PWD/\(.*\):[0-9]*:[0-9]*'$|\1|p" | sort -u || true)
    if [ -n "$red" ] && grep -q '^# fail' "$1.tap" && ! grep -qvxFf "$1.files" <<<"$red"; then
        echo "$red"
    else
        cat "$1.files"
    fi
}

# the_others TAP TAP...: what the first counts without the tests that the others ran anew, which had all that was red.
the_others() {
    local key n=0
    for key in pass fail cancelled; do n=$((n + $(count $key "$1") - $(count $key "${@:2}"))); done
    printf '# pass %s\n# skipped %s\n' $n $(($(count skipped "$1") - $(count skipped "${@:2}")))
}

# again_alone RING: files that have a failure beside others run once more, each with nothing beside it, and that
# counts: a browser on a busy machine can be too slow for anything. It is said, for whoever looks for the reason.
again_alone() {
    local status log file red anew
    beside STOP
    for status in "build/$1"/*.status; do
        [ "$(cat "$status")" != 0 ] || continue
        log=${status%.status} anew=()
        red=$(red_files "$log")
        [ "$red" = "$(cat "$log.files")" ] || { mv "$log.tap" "$log.first" && rm "$log.status"; }
        for file in $red; do
            say "$file failed beside others: once more, alone"
            run_test_files "$1" "$file" </dev/null
            anew+=("build/$1/${file##*/}.tap")
        done
        [ ! -e "$log.first" ] || the_others "$log.first" "${anew[@]}" >"$log-others.tap"
    done
    beside CONT
}

TAKES_LONG='// Takes long.' # a line of a file that has to begin early, in a process of its own

# grouped NUMBER: the files of stdin, so many in a line; first those that take long, then those with more lines.
grouped() {
    local file
    while read -r file; do
        echo "$(grep -cxF "$TAKES_LONG" "$file") $(wc -l <"$file") $file"
    done | sort -k 1,1nr -k 2,2nr | awk -v most="$1" '
        { printf "%s%s", $3, ($1 || ++n % most == 0 ? "\n" : " ") }
        END { if (n % most) print "" }'
}

run_node_tests() { # run_node_tests node|browser
    local ring=$1 files=(tests/"$1"/*.test.js) together=1 passed failed file
    [ "$ring" != browser ] || together=3 # in one process, for which the driver and the browser start once
    [ ${#files[@]} != 0 ] || { report "$ring, which has no tests," 0 1 && return; }
    rm -rf "build/$ring" && mkdir -p "build/$ring"
    export -f run_test_files
    export FILE_SECONDS
    # One more at once than there are cores: they also wait, for pages and for processes to start.
    printf '%s\n' "${files[@]}" | grouped $together \
        | xargs -P $((CORES + 1)) -I {} bash -c "run_test_files $ring {}"
    again_alone "$ring"
    sum() { count "$1" "build/$ring"/*.tap; }
    passed=$(sum pass) failed=$(($(sum fail) + $(sum cancelled)))
    # Red without a red test (no test at all, a crash, no end) is a failure as well.
    for file in "build/$ring"/*.status; do
        [ "$(cat "$file")" = 0 ] || grep -qsE '^# (fail|cancelled) [1-9]' "${file%.status}.tap" || failed=$((failed + 1))
        grep -qsE '^# (pass|skipped|todo) [1-9]' "${file%.status}.tap" || failed=$((failed + 1))
    done
    report "$ring" "$passed" $failed "$(sum skipped)"
}

native_programs() {
    # shellcheck disable=SC2046,SC2086
    ! attempt native compile_native $NATIVE_FLAVOURS || run_native "$NATIVE_FLAVOURS" $(test_programs)
}

# The lab build must be green without a bug, and red with each: what the hunt runs of it, and the golden numbers.
lab_programs() {
    # shellcheck disable=SC2207
    local programs=($(recorded '.*') test_golden)
    attempt mutants compile_native "${programs[@]/#/build/lab/}" && run_native lab "${programs[@]}"
}

ring_native() {
    native_programs
    ! lab_programs || run_native_mutants
}

ring_node() {
    attempt node locked build_types || true
    if build_site_for node; then # what the package ships
        run_node_tests node
        run_node_mutants build/node
    fi
}

ring_mutants() {
    ! lab_programs || run_native_mutants
    ! attempt mutants locked compile wasm || run_node_mutants
}

ring_browser() {
    ! build_site_for browser || run_node_tests browser
}

SITE=""
build_site_for() { # build_site_for RING: once for all rings
    [ -n "$SITE" ] || { attempt "$1" locked build_site && SITE=built; }
}

# ---- beside the other rings -----------------------------------------------------------------

BESIDE="" # the group of processes

# begin_beside: what the native ring runs, with what the other rings leave of the processors while they wait for
# downloads and browsers.
begin_beside() {
    setup native
    mkdir -p build && rm -f build/beside.counts
    locked compile build/include/simde build/lab/bugs.json || true # the builds of the other rings make these too
    set -m # a group of its own
    {
        set +m
        lab=broken
        native_programs
        ! lab_programs || lab=whole
        echo "$PASSED $FAILED $lab" >build/beside.counts
    } >build/beside.log 2>&1 &
    BESIDE=$!
    set +m
    renice -n 10 -g "$BESIDE" >/dev/null || true
    trap 'beside TERM; beside CONT' EXIT
}

beside() { [ -z "$BESIDE" ] || kill "-$1" -- "-$BESIDE" 2>/dev/null || true; } # beside SIGNAL

# end_beside: waits for it, says what it said, and has the bugs planted, which is a matter of seconds.
end_beside() {
    local passed=0 failed=0 lab=none
    wait "$BESIDE" || true
    BESIDE=""
    cat build/beside.log
    read -r passed failed lab <build/beside.counts || report "native, which did not end," 0 1
    PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
    [ "$lab" != whole ] || run_native_mutants
}

run_tests() { # run_tests [RING...]
    local ring parts="" rings=("$@")
    [ $# != 0 ] || rings=(native node browser)
    for ring in "${rings[@]}"; do
        case $ring in
            native) parts="$parts native" ;;
            node | mutants) parts="$parts wasm native page" ;;
            browser) parts="$parts wasm page browser engines" ;;
            *) say "there is no test ring called $ring" && exit 2 ;;
        esac
    done
    if [ "${rings[0]}" = native ] && [ ${#rings[@]} != 1 ]; then
        begin_beside
        rings=("${rings[@]:1}")
    fi
    # shellcheck disable=SC2086
    setup $parts
    for ring in "${rings[@]}"; do "ring_$ring"; done
    [ -z "$BESIDE" ] || end_beside
    printf '\n%s passed, %s failed\n' $PASSED $FAILED
    [ $FAILED = 0 ]
}
