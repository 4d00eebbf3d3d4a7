# shellcheck shell=bash
# Sourced by build.sh: installs what a command needs and this machine lacks. That takes root on Debian;
# elsewhere one message lists everything that is missing and where to get it, and the build does what
# it can.

EMCC_MINIMUM=3.1.60
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/kvcache-wasm"
EMCC_ROOT="$CACHE/emscripten" # a small Debian 13 with a current emcc, entered by chroot

say() { printf '== %s\n' "$*"; }

# setup PART...: of wasm, native, page, browser. One round of installing for all of them.
setup() {
    local part package missing=""
    for package in $(for part; do packages_for "$part"; done | sort -u); do
        has "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        if can_install; then install_packages $missing; else explain_missing $missing; fi
    fi
    case " $* " in *" page "*) install_modules ;; esac
}

packages_for() {
    case $1 in
        wasm) echo make gcc libsimde-dev emscripten ;;
        native) echo make gcc clang "libclang-rt-$(clang_major)-dev" libcmocka-dev libsimde-dev ;;
        browser) # the shell starts and draws faster; without it the whole browser serves
            echo chromium
            ! can_install || echo chromium-headless-shell
            ;;
        engines) echo firefox-esr webkit2gtk-driver xvfb pandoc ;; # the other browser engines, and a host
    esac | tr ' ' '\n'
}

has() {
    case $1 in
        libsimde-dev) has_header simde/wasm/simd128.h ;;
        libcmocka-dev) has_header cmocka.h ;;
        libclang-rt-*) # for the sanitizers and for fuzzing
            echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
                clang -fsanitize=fuzzer,address -x c - -o /dev/null ;;
        webkit2gtk-driver) command -v WebKitWebDriver ;;
        xvfb) command -v Xvfb ;;
        emscripten) make -qf src/build.mk wasm || [ -n "$(find_emcc)" ] ;;
        *) command -v "$1" ;;
    esac
}

has_header() { echo "#include <$1>" | gcc -E -x c - -o /dev/null; }
clang_major() { clang -dumpversion 2>/dev/null | grep -o '^[0-9]*' || echo 14; }
can_install() { [ "$(id -u)" = 0 ] && grep -qs '^ID=debian$' /etc/os-release; }

explain_missing() {
    local package
    echo "Missing on this machine (the script installs them itself as root on Debian only):"
    for package; do
        case $package in
            emscripten) echo "  emcc $EMCC_MINIMUM or newer, from https://github.com/emscripten-core/emsdk:" \
                "./emsdk install latest && ./emsdk activate latest, then \`source emsdk_env.sh\`" \
                "(PATH and \$EMSDK are searched)" ;;
            *) echo "  $package (Debian: sudo apt-get install $package)" ;;
        esac
    done
    echo "Going on with what is here."
}

install_packages() {
    local packages="${*/emscripten/mmdebstrap}" package started=$SECONDS
    say "installing $packages"
    apt_get update -qq || say "apt-get update failed; trying with the package lists that are here"
    # shellcheck disable=SC2086
    apt_get install -y --no-install-recommends $packages |
        grep --line-buffered -E "^(Need to get|Fetched|Setting up (${packages// /|}))" || true
    for package in $packages; do # one that cannot be had keeps apt-get from installing any
        has "$package" >/dev/null 2>&1 || [ "$package" = mmdebstrap ] ||
            apt_get install -y --no-install-recommends "$package" >/dev/null ||
            say "$package could not be installed: what needs it is left out"
    done
    say "packages took $((SECONDS - started)) s"
    case " $* " in
        *" emscripten "*)
            make_emcc_root || say "Emscripten could not be installed: see $CACHE/mmdebstrap.log"
            ;;
    esac
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"; }

# npm ci, when node_modules was not made from this very lock file.
install_modules() {
    cmp -s package-lock.json node_modules/.made-from && return
    say "installing npm packages"
    if npm ci --ignore-scripts --no-audit --no-fund; then
        cp package-lock.json node_modules/.made-from
    else
        say "npm ci failed: is the npm registry reachable?"
    fi
}

# ---- Emscripten ------------------------------------------------------------------------------

# Debian 12's emcc is too old to know relaxed SIMD, Debian 13's is not. The root is made under
# another name and renamed when whole, so an interrupted run leaves nothing to trip over. It is made
# in a mount namespace of its own where that is allowed (elsewhere mmdebstrap mounts nothing): its
# /proc, /sys and /dev vanish with it, and no later rm can reach the machine's through them.
make_emcc_root() {
    mkdir -p "$CACHE"
    (
        flock 8
        [ ! -d "$EMCC_ROOT" ] || exit 0 # another build made it meanwhile
        say "installing Emscripten into $EMCC_ROOT (2.4 GB, once, about a minute)"
        started=$SECONDS private=""
        ! unshare --mount true 2>/dev/null || private="unshare --mount"
        if grep -qF "$EMCC_ROOT.part" /proc/self/mountinfo; then
            say "something is mounted in $EMCC_ROOT.part: unmount it first" && exit 1
        fi
        rm -rf --one-file-system "$EMCC_ROOT.part"
        $private mmdebstrap --variant=apt --include=emscripten --aptopt='APT::Install-Recommends "false"' \
            trixie "$EMCC_ROOT.part" "$(debian_mirror)" 2>&1 |
            tee "$CACHE/mmdebstrap.log" | grep --line-buffered -E '^[IE]: ' &&
            mv "$EMCC_ROOT.part" "$EMCC_ROOT" &&
            say "Emscripten took $((SECONDS - started)) s"
    ) 8>"$CACHE/lock"
}

# The mirror this machine gets Debian from.
debian_mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
        awk '/^https?:/ { uri = uri ? uri : $0 } END { print uri ? uri : "http://deb.debian.org/debian" }'
}

# Prints the emcc to use: one on PATH, in $EMSDK, or the word chroot; nothing when there is none.
find_emcc() {
    local candidate
    for candidate in emcc "${EMSDK:-}/upstream/emscripten/emcc"; do
        new_enough "$candidate" && echo "$candidate" && return
    done
    [ ! -d "$EMCC_ROOT" ] || [ "$(id -u)" != 0 ] || echo chroot
}

new_enough() {
    local version
    version=$("$1" --version 2>/dev/null | sed -nE '1s/.* ([0-9]+\.[0-9]+\.[0-9]+).*/\1/p')
    [ -n "$version" ] && printf '%s\n' "$EMCC_MINIMUM" "$version" | sort -V -C
}

# run_emcc OUT ARGUMENT...: compiles in the checkout, or in a copy of the sources inside the chroot
# (a copy, not a mount: containers often may not mount).
run_emcc() (
    out=$1 emcc=$(find_emcc)
    shift
    case $emcc in
        "") say "there is no emcc $EMCC_MINIMUM or newer here" && exit 1 ;;
        chroot) ;;
        *) exec "$emcc" "$@" -o "$out" ;;
    esac
    case $out in *.o) made=out.o ;; *) made=out.wasm ;; esac
    job=$(mktemp -d "$EMCC_ROOT/tmp/kvc.XXXXXX")
    trap 'rm -rf "$job"' EXIT
    case $* in *build/lab/src*) planted=build/lab/src ;; *) planted="" ;; esac
    for argument in "$@"; do
        case $argument in build/*.o) planted="$planted $argument" ;; esac
    done
    # shellcheck disable=SC2016,SC2086
    cp -RL --parents include src tests/node/*.c build/include $planted "$job" &&
        chroot "$EMCC_ROOT" env -i PATH=/usr/bin:/bin HOME=/root \
            sh -c 'cd "$0" && exec emcc "$@"' "/tmp/${job##*/}" "$@" -o "$made" &&
        cp "$job/$made" "$out"
)
