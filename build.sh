#!/usr/bin/env bash
# The one build entry. Usage: ./build.sh COMMAND
#
#   setup    install what is missing (packages, node_modules, Emscripten)
#   wasm     src/ -> web/engine/kvc.wasm, kvc-relaxed.wasm, kvc-scalar.wasm
#   native   src/ + tests/native/*.c -> build/<flavour>/test_*
#   types    check the JSDoc types of web/, write dist/types/*.d.ts
#   site     bundle the page into dist/, ready for any static file server
#   all      wasm, native, types, site
#   start    site, then serve it on http://localhost:8080 (PORT changes it)
#   test     build and run all test rings; `test native|node|browser` runs one
#   mutants  plant each bug of src/lab/lab.h in turn; the native tests must find every one
#   fuzz     feed random bytes to each tests/fuzz/fuzz_*.c for 60 seconds; `fuzz SECONDS` says how long,
#            `fuzz keep` adds what was found, minimised, to tests/fuzz/corpus
#   bench    tokens per second, held against the machine's limits: tests/bench/README.md
#   peers    the same shapes on wllama and onnxruntime-web, in one Chromium: tests/bench/peers/README.md
#   cache-types  what a cache of f16 or int8 changes in the logits, against f32
#   eval     bits per byte of a model on a text file: eval TEXT [--model DIR]
#   clean    remove everything built here (the toolchain in the cache folder stays)
#   help     this text
#
# Each command installs what it needs first, and rebuilds only what is older than its sources.
set -euo pipefail
shopt -s nullglob
trap 'exit 130' INT # Ctrl+C ends the whole build, not just its current step
cd "$(dirname "${BASH_SOURCE[0]}")"
. .ci/setup.sh
. tests/fuzz/fuzz.sh

C_FLAGS="-std=c11 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude -Isrc"
NATIVE_FLAVOURS=${NATIVE_FLAVOURS:-gcc-O2 gcc-native clang-sanitize scalar} # fewer while working on something
WASM_VARIANTS="kvc kvc-relaxed kvc-scalar"
# NDEBUG: a failing assert would print, and so import file functions; the native builds have them.
# stack-first: a stack overflow traps instead of overwriting static data.
WASM_FLAGS="$C_FLAGS -O3 -DNDEBUG -sSTANDALONE_WASM --no-entry -sALLOW_MEMORY_GROWTH=1 -sINITIAL_MEMORY=1MB
    -sMAXIMUM_MEMORY=1GB -sSTACK_SIZE=256KB -sMALLOC=emmalloc -Wl,--stack-first"
WASM_GZIP_LIMIT=40960
CORES=$(nproc 2>/dev/null || echo 2)

# stale TARGET SOURCE...: is the target missing, or older than a source?
stale() {
    local target=$1 source
    shift
    [ -e "$target" ] || return 0
    for source; do
        [ "$source" -nt "$target" ] && return 0
    done
    return 1
}

# locked COMMAND...: two builds in one checkout take turns.
locked() {
    mkdir -p build
    if command -v flock >/dev/null; then (flock 9 && "$@") 9>build/lock; else "$@"; fi
}

# ---- WebAssembly ----------------------------------------------------------------------------

wasm_flags() {
    case $1 in
        kvc) echo -msimd128 ;;
        kvc-relaxed) echo -msimd128 -mrelaxed-simd ;;
        kvc-scalar) echo -isystem build/include -Wno-pass-failed ;; # SIMDe's portable code, which asks for vectors
    esac
}

# C functions are exported under their own names.
wasm_exports() { sed -n 's/^kvc_/-Wl,--export=kvc_/p' src/wasm/exports.txt; }

wasm_stale() {
    local name
    for name in $WASM_VARIANTS; do
        stale "web/engine/$name.wasm" src/*/*.[ch] src/*/*/*.[ch] src/wasm/exports.txt include/*.h build.sh && return 0
    done
    stale build/failing.wasm src/*/*.[ch] src/*/*/*.[ch] src/wasm/exports.txt include/*.h tests/node/failing.c build.sh
}

build_wasm() {
    local name
    wasm_stale || return 0
    link_simde || return 1
    for name in $WASM_VARIANTS; do
        # shellcheck disable=SC2046,SC2086
        run_emcc "build/$name.wasm" $WASM_FLAGS $(wasm_exports) $(wasm_flags "$name") $(core_sources) src/wasm/*.c || return 1
        check_wasm "build/$name.wasm" || return 1
    done
    # For the tests: the same with an allocator that fails when it is told to.
    # shellcheck disable=SC2046,SC2086
    run_emcc build/failing.wasm $WASM_FLAGS $(wasm_exports) $(wasm_flags kvc) -Wl,--wrap=aligned_alloc -Wl,--wrap=free \
        $(core_sources) src/wasm/*.c tests/node/failing.c || return 1
    for name in $WASM_VARIANTS; do chmod 644 "build/$name.wasm" && mv "build/$name.wasm" web/engine/; done
}

# A module may import the memory-growth notice and nothing else, and has a size budget.
check_wasm() {
    node -e '
        require("v8").setFlagsFromString("--wasm-staging"); // relaxed SIMD in Node 20
        const [file, limit] = process.argv.slice(1);
        const bytes = require("fs").readFileSync(file);
        const gzip = require("zlib").gzipSync(bytes, { level: 9 }).length;
        const kb = (n) => (n / 1024).toFixed(1) + " KB";
        console.log(`  ${file.padEnd(24)} ${kb(bytes.length)}, ${kb(gzip)} gzip`);
        const foreign = WebAssembly.Module.imports(new WebAssembly.Module(bytes))
            .map((i) => `${i.module}.${i.name}`)
            .filter((name) => name !== "env.emscripten_notify_memory_growth");
        if (foreign.length) throw new Error(`${file} imports ${foreign}: the engine must stand alone`);
        if (gzip > limit) throw new Error(`${file} is over its budget of ${kb(limit)} gzip`);
    ' "$1" "$WASM_GZIP_LIMIT"
}

# ---- native tests ---------------------------------------------------------------------------

# The same kernels in four builds that must agree to the bit.
native_compiler() {
    case $1 in
        gcc-O2) echo gcc -O2 ;;
        gcc-native) echo gcc -O3 -march=native ;;
        fuzz) echo clang -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DKVC_FUZZ -DKVC_POISON ;;
        clang-sanitize) echo clang -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DKVC_POISON ;;
        scalar) echo gcc -O2 -DSIMDE_NO_NATIVE -Wno-maybe-uninitialized ;; # SIMDe's portable C instead of SSE
        lab) echo gcc -O2 -DKVC_LAB -DKVC_POISON ;; # with the switches of src/lab/lab.h
    esac
}

core_sources() {
    local source
    for source in src/*/*.c src/*/*/*.c; do
        case $source in src/wasm/* | src/lab/*) ;; *) echo "$source" ;; esac
    done
}

# Linked into every test program: the core, and the files of the tests that are not programs.
shared_sources() {
    local source
    core_sources
    for source in tests/native/*.c tests/fuzz/*.c; do
        case $source in */test_* | */fuzz_*) ;; *) echo "$source" ;; esac
    done
}

# A fuzz target replays its corpus where nobody fuzzes, and so is a test program as well.
test_sources() { # test_sources [FLAVOUR]
    [ "${1:-}" = fuzz ] || printf '%s\n' tests/native/test_*.c
    printf '%s\n' tests/fuzz/fuzz_*.c
}

test_programs() {
    local source
    for source in $(test_sources); do basename "$source" .c; done
}

# Reads one shell command per line and runs them on all cores; fails when one of them fails.
run_parallel() { tr '\n' '\0' | xargs -0 -r -n 1 -P "$CORES" sh -c; }

object() { # object FLAVOUR SOURCE
    local name=${2%.c}
    echo "build/$1/${name//\//-}.o"
}

compile_commands() { # compile_commands FLAVOUR
    local source out
    for source in $(shared_sources) $(test_sources "$1"); do
        out=$(object "$1" "$source")
        stale "$out" "$source" src/*/*.h src/*/*/*.h include/*.h tests/*/*.h build.sh || continue
        echo "$(native_compiler "$1") $C_FLAGS -Itests/native -Itests/fuzz -isystem build/include" \
            "-c $source -o $out.part && mv $out.part $out"
    done
}

link_commands() { # link_commands FLAVOUR
    local program source objects=""
    for source in $(shared_sources); do
        objects="$objects $(object "$1" "$source")"
    done
    for source in $(test_sources "$1"); do
        program=$(basename "$source" .c) source=$(object "$1" "$source")
        # shellcheck disable=SC2086
        stale "build/$1/$program" $objects "$source" || continue
        echo "$(native_compiler "$1") $source $objects -lcmocka -lm" \
            "-o build/$1/$program.part && mv build/$1/$program.part build/$1/$program"
    done
}

build_native() { # build_native [FLAVOUR...]
    local flavour
    link_simde || return 1
    for flavour in ${*:-$NATIVE_FLAVOURS}; do
        mkdir -p "build/$flavour"
        compile_commands "$flavour" | run_parallel || return 1
        link_commands "$flavour" | run_parallel || return 1
    done
}

# ---- the mutation gate ----------------------------------------------------------------------

MUTANT_KILLERS=3 # programs that find a bug before it counts as well known
MUTANT_SECONDS=20 # for one program: a bug may hang it
MUTANT_LAST="test_golden test_gpt test_random" # they take long, and run where no other program finds a bug

build_lab() { build_native gcc-O2 lab && cut_switches; }

lab_bugs() { sed -n 's/^    BUG(\([A-Za-z0-9]*\), .*/\1/p' src/lab/lab.h; }

# Outside the lab a switch leaves no trace: objects of sources without the switches are the same bytes.
cut_switches() {
    local source name
    mkdir -p build/lab/cut
    for source in $(grep -l 'KVC_BUG(' src/*/*.c); do
        name=$(basename "$source" .c)
        sed -e 's/ [&|][&|] !\{0,1\}KVC_BUG([A-Za-z0-9]*))/)/' \
            -e '/^ *\(if\|for\) (.*KVC_BUG(.*)/ { s/.*//; n; s/.*//; }' "$source" >"build/lab/cut/$name.c"
        ! grep -n 'KVC_BUG' "build/lab/cut/$name.c" || { say "$source: a switch in no form of src/lab/lab.h" && return 1; }
        # shellcheck disable=SC2086,SC2046
        $(native_compiler gcc-O2) $C_FLAGS -isystem build/include -fmacro-prefix-map=build/lab/cut=${source%/*} \
            -c "build/lab/cut/$name.c" -o "build/lab/cut/$name.o" || return 1
        cmp "build/lab/cut/$name.o" "$(object gcc-O2 "$source")" || return 1
    done
}

# One shell command for each bug: the first red test of each program, until enough have found it.
mutant_commands() {
    local bug first
    first=$(test_programs | grep -vxF "${MUTANT_LAST// /$'\n'}" | tr '\n' ' ')
    for bug in $(lab_bugs); do
        echo "killers=0; for program in $first $MUTANT_LAST; do" \
            "case \$program in ${MUTANT_LAST// / | }) [ \$killers = 0 ] || break ;; esac;" \
            "red=\$(KVC_BUG=$bug timeout -k 1 $MUTANT_SECONDS build/lab/\$program 2>&1 | awk -f tests/native/red.awk);" \
            "[ -z \"\$red\" ] || { echo \"\${program#test_}: \$red\"; killers=\$((killers + 1)); };" \
            "[ \$killers != $MUTANT_KILLERS ] || break; done >build/lab/$bug.killers 2>/dev/null"
    done
}

run_mutants() {
    local bug name killed=0 survived=0
    mutant_commands | run_parallel
    for bug in $(lab_bugs); do
        name=$(sed -n "s/^    BUG($bug, \"\([a-z_]*\)\".*/\1/p" src/lab/lab.h)
        if [ -s "build/lab/$bug.killers" ]; then
            killed=$((killed + 1))
            printf '  %-5s %-22s %s\n' "$bug" "$name" "$(paste -sd '|' "build/lab/$bug.killers" | sed 's/|/, /g')"
        else
            survived=$((survived + 1))
            printf '  %-5s %-22s NOTHING FOUND IT\n' "$bug" "$name"
        fi
    done
    report "mutants" $killed $survived
}

# ---- the benchmark --------------------------------------------------------------------------

# Everything once more without a JavaScript engine.
build_bench() {
    bundle build/bench web/worker/client.js web/worker/worker.js && mkdir -p build/bench/engine && cp web/engine/*.wasm build/bench/engine/ || return 1
    link_simde || return 1
    command -v gcc >/dev/null || return 0
    stale build/bench-native src/*/*.[ch] src/*/*/*.[ch] include/*.h tests/bench/*.[ch] build.sh || return 0
    # shellcheck disable=SC2046,SC2086
    gcc -O3 -march=native -DNDEBUG $C_FLAGS -isystem build/include $(core_sources) \
        tests/bench/*.c -o build/bench-native.part && mv build/bench-native.part build/bench-native
}

# ---- the page -------------------------------------------------------------------------------

build_types() { rm -rf dist/types && node_modules/.bin/tsc -p .; }

# bundle FOLDER SOURCE...: in the folders they have in web/: bundles find their neighbours through new URL('../room/x', import.meta.url).
bundle() {
    mkdir -p "$1"
    node_modules/.bin/esbuild "${@:2}" --bundle --minify --sourcemap --format=esm \
        --target=es2022 --external:node:* --outbase=web --outdir="$1" --log-level=warning
}

build_site() {
    bundle dist web/page/page.js web/worker/worker.js || return 1
    mkdir -p dist/engine && cp web/page/*.html dist/ && cp web/page/*.css node_modules/uplot/dist/uPlot.min.css dist/page/ && cp web/engine/*.wasm dist/engine/
    rm -rf dist/models
    cp -R web/models dist/models
}

# ---- tests ----------------------------------------------------------------------------------

PASSED=0 FAILED=0

report() { # report RING PASSED FAILED [SKIPPED]
    say "$1: $2 passed, $3 failed${4:+, $4 skipped}"
    PASSED=$((PASSED + $2)) FAILED=$((FAILED + $3))
}

# attempt RING BUILD: a build that fails counts as one failure, and the other rings still run.
attempt() {
    locked "$2" && return
    report "$1, whose $2 failed" 0 1
    return 1
}

# cmocka prints a RUN line before each test and an OK line after it, so that a crash is counted too.
run_native_flavour() {
    local flavour=$1 program log status ran ok bad passed=0 failed=0
    for program in $(test_programs); do
        log=build/$flavour/$program.log status=0
        "build/$flavour/$program" >"$log" 2>&1 || status=$?
        ran=$(grep -c '^\[ RUN      \]' "$log" || true)
        ok=$(grep -c '^\[       OK \]' "$log" || true)
        bad=$((ran - ok))
        # Red without a red test (a leak found at exit, no test at all) is a failure as well.
        if [ $bad = 0 ] && { [ $status != 0 ] || [ "$ran" = 0 ]; }; then bad=1; fi
        [ $bad = 0 ] || cat "$log"
        printf '  %-15s %-20s %s passed, %s failed\n' "$flavour" "$program" "$ok" "$bad"
        passed=$((passed + ok)) failed=$((failed + bad))
    done
    report "native $flavour" $passed $failed
}

run_node_tests() { # run_node_tests node|browser
    local ring=$1 log=build/$1.tap passed failed skipped status=0 files=(tests/"$1"/*.test.js)
    [ ${#files[@]} != 0 ] || { report "$ring, which has no tests," 0 1 && return; }
    node --test --test-timeout=300000 --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$log" "${files[@]}" || status=$?
    count() { sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$log" | tail -n 1 | grep . || echo 0; }
    passed=$(count pass) failed=$(($(count fail) + $(count cancelled))) skipped=$(count skipped)
    if [ $failed = 0 ] && { [ $status != 0 ] || [ "$passed" = 0 ]; }; then failed=1; fi
    report "$ring" "$passed" $failed "$skipped"
}

ring_native() {
    local flavour
    attempt native build_native || return 0
    for flavour in $NATIVE_FLAVOURS; do run_native_flavour "$flavour"; done
}

# The lab build must be green without a bug, and red with each.
ring_mutants() {
    attempt mutants build_lab || return 0
    run_native_flavour lab
    run_mutants
}

ring_node() {
    attempt node build_types || true
    ! attempt node build_wasm || run_node_tests node
}

ring_browser() {
    ! attempt browser build_wasm || ! attempt browser build_site || run_node_tests browser
}

run_tests() { # run_tests [RING...]
    local ring parts=""
    for ring in ${*:-native node browser}; do
        case $ring in
            native | mutants) parts="$parts native" ;;
            node) parts="$parts wasm page" ;;
            browser) parts="$parts wasm page browser" ;;
            *) say "there is no test ring called $ring" && exit 2 ;;
        esac
    done
    # shellcheck disable=SC2086
    setup $parts
    for ring in ${*:-native node browser}; do "ring_$ring"; done
    printf '\n%s passed, %s failed\n' $PASSED $FAILED
    [ $FAILED = 0 ]
}

# ---- commands -------------------------------------------------------------------------------

command=${1:-help}
[ $# = 0 ] || shift
case $command in
    setup) setup wasm native page browser ;;
    wasm) setup wasm && locked build_wasm ;;
    native) setup native && locked build_native ;;
    types) setup page && locked build_types ;;
    site) setup wasm page && locked build_wasm && locked build_site ;;
    all) setup wasm native page && locked build_wasm && locked build_native && locked build_types && locked build_site ;;
    start) setup wasm page && locked build_wasm && locked build_site && exec node tests/serve.js dist ;;
    test) run_tests "$@" ;;
    mutants) run_tests mutants ;;
    fuzz)
        setup native && locked build_fuzz
        if [ "${1:-60}" = keep ]; then keep_fuzz; else run_fuzz "${1:-60}"; fi
        ;;
    bench) setup wasm page bench && locked build_wasm && locked build_bench && exec node tests/bench/bench.js "$@" ;;
    peers) setup wasm page browser && locked build_wasm && exec node tests/bench/peers/peers.js "$@" ;;
    cache-types | eval) setup wasm page && locked build_wasm && exec node "tests/bench/$command.js" "$@" ;;
    clean) rm -rf build dist web/engine/*.wasm ;;
    help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
    *) echo "build.sh knows no command called $command; try ./build.sh help" >&2 && exit 2 ;;
esac
