#!/usr/bin/env bash
# The way into every build. Usage: ./build.sh COMMAND
#
#   setup    install what is missing (packages, node_modules, Emscripten)
#   wasm     src/ -> web/engine/kvc.wasm, kvc-relaxed.wasm, kvc-scalar.wasm, kvc-lab.wasm
#   native   src/ + tests/native/*.c -> build/<flavour>/test_*
#   types    check the JSDoc types of web/, write dist/types/*.d.ts
#   site     bundle the page and the figure's builds into dist/, ready for any static file server
#   all      wasm, native, types, site
#   start    site, then serve it on http://localhost:8080 (PORT changes it)
#   test     build and run all test rings; `test native|node|browser` runs one
#   mutants  plant each bug of src/lab/bugs.txt and tests/node/bugs.txt in turn: the tests must find every one;
#            `mutants keep` writes down which tests those are, in src/lab/found.txt, for the demo's lab
#   fuzz     feed random bytes to each tests/fuzz/fuzz_*.c for 60 seconds; `fuzz SECONDS` changes that,
#            `fuzz keep` adds new finds, minimised, to tests/fuzz/corpus
#   bench    tokens per second, held against the machine's limits: tests/bench/README.md
#   peers    the same shapes on wllama and onnxruntime-web, in one Chromium: tests/bench/peers/README.md
#   cache-types  what a cache of f16, int8 or int4 changes in the logits, against f32
#   eviction  what it changes which page of a cache that slides goes: eviction TEXT [--model DIR]
#   lengths  what a token costs behind long texts, with caches of every type
#   sources  speed of a model with an encoder, with both caches, one and none
#   record   the run that the demo shows first, and its pictures: tests/browser/record-stories.js
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
. tests/rings.sh
. tests/mutants.sh
. tests/fuzz/fuzz.sh

NATIVE_FLAVOURS=${NATIVE_FLAVOURS:-clang-sanitize gcc-O2 gcc-native scalar} # fewer while working on something
CORES=$(nproc 2>/dev/null || echo 2)

# ---- builds ---------------------------------------------------------------------------------

# locked COMMAND...: two builds in one checkout take turns.
locked() {
    mkdir -p build
    if command -v flock >/dev/null; then (flock 9 && "$@") 9>"build/${LOCK:-lock}"; else "$@"; fi
}

# compile TARGET...: whatever is made from C; src/build.mk lists the targets.
compile() { make -s -f src/build.mk -j "$CORES" "$@"; }

# Native programs need nothing of the rest and go into folders of their own: both may be built at once.
compile_native() { LOCK=native.lock locked compile "$@"; }

# Everything is checked; written are the types that the exports of the package lead to.
# TypeScript before 5.7 knows no typed arrays with a parameter.
build_types() {
    local tsc=node_modules/typescript/bin/tsc
    rm -rf dist/types && mkdir -p build && $tsc -p . --noEmit && list_types >build/tsconfig.json &&
        $tsc -p build/tsconfig.json && name_tag && find dist/types -name '*.d.ts' -exec sed -i.bak -E \
            -e 's/\b([A-Za-z]+[0-9]+Array)<ArrayBufferLike>/\1/g' \
            -e 's/\bArrayBufferView<ArrayBuffer(Like)?>/ArrayBufferView/g' \
            -e 's/\b([A-Za-z]+[0-9]+Array)<ArrayBuffer>/ReturnType<\1["slice"]>/g' {} + &&
        find dist/types -name '*.bak' -delete
}

list_types() {
    node -p '
        const types = Object.values(require("./package.json").exports).map((target) => target.types).filter(Boolean);
        const sources = types.map((path) => path.replace("./dist/types", "../web").replace(/d\.ts$/, "js"));
        JSON.stringify({ extends: "../tsconfig.json", files: sources, include: [] })'
}

# bundle FOLDER SOURCE...: keeps the folders of web/, so new URL('../room/x', import.meta.url) still holds.
bundle() {
    node_modules/.bin/esbuild "${@:2}" --bundle --minify --sourcemap --format=esm \
        --target=es2022 --external:node:* --outbase=web --outdir="$1" --log-level=warning &&
        mkdir -p "$1/engine" && cp web/engine/kvc{,-relaxed,-scalar,-lab}.wasm web/engine/kvc-lab.json "$1/engine/"
}

build_site() {
    compile wasm && bundle dist web/page/page.js &&
        cp web/page/*.css dist/page/ &&
        mkdir -p dist/demo/recorded && cp web/demo/*.css dist/demo/ &&
        cp web/demo/recorded/stories.svg dist/demo/recorded/ && cp web/demo/recorded/stories.png dist/preview.png &&
        rm -rf dist/models dist/examples && cp -R web/models web/examples dist/ &&
        node web/build.js
}

# The native program only where there is a compiler.
build_bench() {
    compile wasm && bundle build/bench web/worker/client.js web/worker/worker.js &&
        { ! command -v gcc >/dev/null || compile bench; }
}

# Global names, which no JavaScript can declare.
name_tag() {
    local file=dist/types/demo/kv-cache-demo.d.ts
    cp web/demo/tag.d.ts dist/types/demo/ &&
        { echo '/// <reference path="./tag.d.ts" />' && cat $file; } >build/tag.d.ts && mv build/tag.d.ts $file
}

# shellcheck disable=SC2086
build_all() { build_site && compile_native $NATIVE_FLAVOURS && build_types; }

# ---- commands -------------------------------------------------------------------------------

command=${1:-help}
[ $# = 0 ] || shift
# shellcheck disable=SC2086
case $command in
    setup) setup wasm native page browser engines ;;
    wasm) setup wasm && locked compile wasm ;;
    native) setup native && compile_native $NATIVE_FLAVOURS ;;
    types) setup page && locked build_types ;;
    site) setup wasm page && locked build_site ;;
    all) setup wasm native page && locked build_all ;;
    start) setup wasm page && locked build_site && exec node web/cli/kvcache-wasm.js serve ;;
    test) run_tests "$@" ;;
    mutants) if [ "${1:-}" = keep ]; then keep_mutants; else run_tests mutants; fi ;;
    fuzz)
        setup native && compile_native fuzz
        if [ "${1:-60}" = keep ]; then keep_fuzz; else run_fuzz "${1:-60}"; fi
        ;;
    bench) setup wasm page && locked build_bench && exec node tests/bench/bench.js "$@" ;;
    peers) setup wasm page browser && locked compile wasm && exec node tests/bench/peers/peers.js "$@" ;;
    record) setup wasm page browser && locked build_site && exec node tests/browser/record-stories.js "$@" ;;
    cache-types | eviction | eval | lengths | sources) setup wasm page && locked compile wasm && exec node "tests/bench/$command.js" "$@" ;;
    clean) rm -rf build dist web/engine/*.wasm web/engine/kvc-lab.json ;;
    help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
    *) echo "build.sh knows no command called $command; try ./build.sh help" >&2 && exit 2 ;;
esac
