# All that is compiled from C, run from the root of the repository: `make -f src/build.mk TARGET...`.
# ../build.sh is the way in; it installs compilers, and passes -j and -s.
#
#   gcc-O2, gcc-native, clang-sanitize, scalar   build/<flavour>/test_*, fuzz_*: every test program
#   lab      the same, with the bugs of lab/bugs.txt as switches
#   fuzz     build/fuzz/fuzz_*, with libFuzzer
#   bench    build/bench/native
#   wasm     web/engine/*.wasm, kvc-lab.json, build/failing.wasm
#
# Objects lie in build/<flavour> in the folders of their sources, beside the list of the headers they
# include, which the compiler writes (-MMD). All flags stand here, so a change of this file compiles all.
SHELL := bash
.DELETE_ON_ERROR:
.SUFFIXES:

C_FLAGS := -std=c11 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
INCLUDES := -Iinclude -isystem build/include

CORE := $(filter-out src/wasm/% src/lab/%,$(wildcard src/*/*.c))
HEADERS := $(wildcard src/*/*.h include/*.h)
TESTS := $(basename $(notdir $(wildcard tests/native/test_*.c)))
FUZZERS := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
HELPERS := $(filter-out tests/native/test_% tests/fuzz/fuzz_%,$(wildcard tests/native/*.c tests/fuzz/*.c))

# ---- native ---------------------------------------------------------------------------------

# The first four must agree to the bit. scalar: SIMDe's portable C instead of SSE.
FLAVOURS := gcc-O2 gcc-native clang-sanitize scalar lab fuzz
COMPILE_gcc-O2 := gcc -O2
COMPILE_gcc-native := gcc -O3 -march=native
COMPILE_clang-sanitize := clang -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DKVC_POISON
COMPILE_scalar := gcc -O2 -DSIMDE_NO_NATIVE -Wno-maybe-uninitialized
COMPILE_lab := gcc -O2 -DKVC_LAB -DKVC_POISON
COMPILE_fuzz := clang -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DKVC_FUZZ -DKVC_POISON
COMPILE_bench := gcc -O3 -march=native -DNDEBUG

.PHONY: $(FLAVOURS) bench wasm

# $(call objects,FLAVOUR,SOURCES)
objects = $(patsubst %.c,build/$1/%.o,$2)

define compile_rules # FLAVOUR, the folder of its src
build/$1/src/%.o: $2/%.c src/build.mk | build/include/simde
	@mkdir -p $$(@D)
	$$(COMPILE_$1) $(C_FLAGS) $(INCLUDES) -I$2 -MMD -MP -c $$< -o $$@
build/$1/tests/%.o: tests/%.c src/build.mk | build/include/simde
	@mkdir -p $$(@D)
	$$(COMPILE_$1) $(C_FLAGS) $(INCLUDES) -I$2 -Itests/native -Itests/fuzz -MMD -MP -c $$< -o $$@
endef

define link_rule # FLAVOUR, the programs' folder in tests, their names, other sources
$1: $(addprefix build/$1/,$3)
$(addprefix build/$1/,$3): build/$1/%: build/$1/tests/$2/%.o $(call objects,$1,$4)
	$$(COMPILE_$1) $$^ -lcmocka -lm -o $$@
endef

lab_source := $(if $(wildcard src/lab/lab.c),src/lab/lab.c)
$(foreach flavour,$(filter-out lab,$(FLAVOURS)) bench,$(eval $(call compile_rules,$(flavour),src)))
$(eval $(call compile_rules,lab,build/lab/src))
$(foreach flavour,$(FLAVOURS),\
    $(eval $(call link_rule,$(flavour),fuzz,$(FUZZERS),$(CORE) $(HELPERS) $(if $(filter lab,$(flavour)),src/lab/lab.c))))
$(foreach flavour,$(filter-out fuzz,$(FLAVOURS)),\
    $(eval $(call link_rule,$(flavour),native,$(TESTS),$(CORE) $(HELPERS) $(if $(filter lab,$(flavour)),src/lab/lab.c))))

bench: build/bench/native
build/bench/native: $(call objects,bench,$(CORE) $(wildcard tests/bench/*.c))
	$(COMPILE_bench) $^ -lm -o $@

-include $(wildcard build/*/*/*/*.d)

# SIMDe alone in a folder of its own: /usr/include on the path would give emcc the wrong libc.
build/include/simde:
	@mkdir -p $(@D)
	@for folder in /usr/include /usr/local/include /opt/homebrew/include; do \
	    [ ! -e $$folder/simde/wasm/simd128.h ] || exec ln -sfn $$folder/simde $@; \
	done; echo "the SIMDe headers are missing (Debian: libsimde-dev)" >&2; exit 1
