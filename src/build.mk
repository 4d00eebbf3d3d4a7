# Everything that is compiled from C. Run from the root of the repository: `make -f src/build.mk TARGET...`;
# ../build.sh is the way in: it installs compilers and passes -j and -s.
#
#   gcc-O2, gcc-native, clang-sanitize, scalar   build/<flavour>/test_* and fuzz_*: every test program
#   lab      the same, with the bugs of lab/bugs.txt as switches
#   quick    the same, as fast as they can be compiled: for the tests of this file
#   fuzz     build/fuzz/fuzz_*, with libFuzzer
#   bench    build/bench/native
#   wasm     web/engine/*.wasm and kvc-lab.json, build/failing.wasm
#
# Objects lie in build/<flavour>, in the folders of their sources, each beside the list of the headers that it
# includes, which the compiler writes (-MMD). All flags stand here: a change of this file rebuilds everything.
SHELL := bash
.DELETE_ON_ERROR:
.SUFFIXES:

C_FLAGS := -std=c11 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
INCLUDES := -Iinclude -Isrc

CORE := $(filter-out src/wasm/% src/lab/% src/train/%,$(wildcard src/*/*.c src/*/*/*.c))
HEADERS := $(wildcard src/*/*.h src/*/*/*.h include/*.h)
TESTS := $(basename $(notdir $(wildcard tests/native/test_*.c)))
FUZZERS := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
HELPERS := $(filter-out tests/native/test_% tests/fuzz/fuzz_%,$(wildcard tests/native/*.c tests/fuzz/*.c))

# ---- native ---------------------------------------------------------------------------------

# The first four must agree to the bit. scalar: SIMDe's portable C in place of SSE.
FLAVOURS := gcc-O2 gcc-native clang-sanitize scalar lab fuzz quick
COMPILE_gcc-O2 := gcc -O2
COMPILE_gcc-native := gcc -O3 -march=native
COMPILE_clang-sanitize := clang -O1 -gline-tables-only -fsanitize=address,undefined -fno-sanitize-recover=all -DKVC_POISON
COMPILE_scalar := gcc -O2 -DSIMDE_NO_NATIVE -Wno-maybe-uninitialized
COMPILE_lab := gcc -O2 -DKVC_LAB -DKVC_POISON -Ibuild/lab/src
COMPILE_fuzz := clang -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -DKVC_FUZZ -DKVC_POISON
COMPILE_quick := gcc -O0
COMPILE_bench := gcc -O3 -march=native -DNDEBUG
COMPILE_shared := gcc -O2 -DKVC_SHARED
compile = $(COMPILE_$1) $(C_FLAGS) $(INCLUDES) -isystem build/include -MMD -MP -c

.PHONY: $(FLAVOURS) bench wasm

# A flavour is about src/. Those of gcc share the objects of the tests, in build/shared, but for what has vectors in
# it (base/simd.h makes sure of that) or asks how it is compiled.
SHARING := gcc-O2 gcc-native scalar lab
OWN := $(addprefix tests/native/test_,number.c probe.c vectors.c attention.c windows.c) \
    $(shell grep -lE 'KVC_(LAB|POISON|FUZZ|SHARED)' tests/native/*.c tests/fuzz/*.c)
SHARED := $(filter-out $(OWN),$(wildcard tests/native/*.c tests/fuzz/*.c))

# With sanitizers the naive oracle alone would take as long as all that it is held against.
shared = $(if $(filter $1,$(SHARING)),$(SHARED),$(if $(filter clang-sanitize,$1),tests/native/naive.c))

# $(call objects,FLAVOUR,SOURCES)
objects = $(patsubst %.c,build/shared/%.o,$(filter $(shared),$2)) \
    $(patsubst %.c,build/$1/%.o,$(filter-out $(shared),$2))

# $(call linked,FLAVOUR): the sources that every test program has in it
linked = $(CORE) $(HELPERS) $(if $(filter lab,$1),src/lab/lab.c)

define compile_rules # FLAVOUR
build/$1/src/%.o: src/%.c src/build.mk | build/include/simde
	@mkdir -p $$(@D)
	$(call compile,$1) $$< -o $$@
build/$1/tests/%.o: tests/%.c src/build.mk | build/include/simde
	@mkdir -p $$(@D)
	$(call compile,$1) $$< -o $$@ -Itests/native -Itests/fuzz
endef

define link_rule # FLAVOUR, folder of tests/, the programs in it
$1: $(addprefix build/$1/,$3)
$(addprefix build/$1/,$3): build/$1/%: $$$$(call objects,$1,tests/$2/$$$$*.c) $(call objects,$1,$(call linked,$1))
	$(COMPILE_$1) $$^ -lcmocka -lm -o $$@
endef

.SECONDEXPANSION:
$(foreach flavour,$(FLAVOURS) shared bench,$(eval $(call compile_rules,$(flavour))))
$(foreach flavour,$(FLAVOURS),$(eval $(call link_rule,$(flavour),fuzz,$(FUZZERS))))
$(foreach flavour,$(filter-out fuzz,$(FLAVOURS)),$(eval $(call link_rule,$(flavour),native,$(TESTS))))

bench: build/bench/native
build/bench/native: $(call objects,bench,$(CORE) $(wildcard tests/bench/*.c))
	$(COMPILE_bench) $^ -lm -o $@

-include $(wildcard build/*/*/*/*.d build/*/*/*/*/*.d)

# ---- the lab --------------------------------------------------------------------------------

# The sources with bugs take the place of their originals. plant.js writes bugs.json before the rest.
BUGGY := $(sort $(shell sed -n 's/^file //p' src/lab/bugs.txt))
PLANTED := $(addprefix build/lab/,$(BUGGY) src/lab/ids.h)
$(PLANTED): build/lab/bugs.json ;
build/lab/bugs.json: src/lab/plant.js src/lab/bugs.txt src/lab/found.txt $(BUGGY)
	node src/lab/plant.js build/lab

$(call objects,lab,$(filter %.c,$(BUGGY))): %.o: %.c src/build.mk | build/include/simde
	$(call compile,lab) $< -o $@
$(filter build/lab/%,$(call objects,lab,$(call linked,lab) $(OWN))): | $(filter %.h,$(PLANTED))

# ---- WebAssembly ----------------------------------------------------------------------------

# NDEBUG: a failing assert would print, and so import file functions; the native builds have them.
# stack-first: a stack overflow traps instead of overwriting static data. The memory is imported, so that who
# makes it sets its maximum, up to this one, without another module.
WASM_FLAGS := -DNDEBUG -sSTANDALONE_WASM --no-entry -sALLOW_MEMORY_GROWTH=1 -sINITIAL_MEMORY=1MB \
    -sMAXIMUM_MEMORY=4GB -sIMPORTED_MEMORY=1 -Wl,--export-memory -sSTACK_SIZE=256KB -sMALLOC=emmalloc \
    -Wl,--stack-first
# For what a cache can do beyond one text of one length: slide, choose what goes, narrow types. kvc-lab.wasm keeps
# within it too: its switches take half a kilobyte.
WASM_GZIP_LIMIT := 49152
EXPORT := s/\#.*//; s/[a-z0-9_][a-z0-9_]*/-Wl,--export=&/
EXPORTS := $(shell sed '$(EXPORT)' src/wasm/exports.txt)

WASM := $(addprefix web/engine/,kvc.wasm kvc-relaxed.wasm kvc-scalar.wasm kvc-lab.wasm) build/failing.wasm
$(WASM): sources = $(CORE) $(wildcard src/wasm/*.c)
$(WASM): flags = -O3 -msimd128
web/engine/kvc-relaxed.wasm: flags += -mrelaxed-simd
# SIMDe's portable code asks for vectors that there are not. With -O3 it is 3 KB longer, and 1.4 times as fast where
# int8 weights meet many rows; nothing else is: so that alone has it. Less inlining is 4 KB shorter and no slower.
web/engine/kvc-scalar.wasm: flags = -O2 -mllvm -inline-threshold=25 -isystem build/include -Wno-pass-failed
web/engine/kvc-scalar.wasm: fast = build/wasm/int8.o
# The SIMD build with the planted bugs.
web/engine/kvc-lab.wasm: sources = $(filter %.c,$(PLANTED)) src/lab/lab.c \
    $(filter-out $(BUGGY),$(CORE)) $(wildcard src/wasm/*.c)
web/engine/kvc-lab.wasm: flags += -Ibuild/lab/src -Wl,--export=kvc_lab_set
web/engine/kvc-lab.wasm: $(PLANTED) src/lab/lab.c
# For the tests: with an allocator that fails when it is told to.
build/failing.wasm: sources += tests/node/failing.c
build/failing.wasm: flags += -Wl,--wrap=aligned_alloc -Wl,--wrap=free
build/failing.wasm: tests/node/failing.c

# What computes next to nothing is compiled for size, which saves 2 KB: in one object, a relocatable one.
SMALL := $(filter src/base/% src/model/% src/forward/% src/session/% src/wasm/% src/kernels/bucket.c src/kernels/matrix.c \
    $(addprefix src/cache/,cache_state.c cache_save.c events.c importance.c layout.c pages.c sequences.c vectors.c windows.c),$(CORE) $(wildcard src/wasm/*.c))
SMALL := $(filter-out src/base/number.c src/model/intake.c src/session/sampler.c,$(SMALL))
SMALL += $(SMALL:%=build/lab/%)
# Narrow caches are slower in it for that, by up to a tenth. The lab is slow anyway; without vectors -Oz is not
# small, and that build has two kilobytes more.
web/engine/kvc-scalar.wasm: SMALL += src/kernels/narrow.c src/cache/products.c
web/engine/kvc-scalar.wasm: WASM_GZIP_LIMIT := 51200
FEW := $(addprefix src/kernels/,narrow.c rotary.c) $(addprefix src/cache/,cache.c places.c products.c walk.c) \
    src/session/sampler.c
web/engine/kvc-lab.wasm: SMALL += $(FEW) $(FEW:%=build/lab/%)
$(WASM): small = build/wasm/$(@F:.wasm=.o)
$(WASM): of_fast = $(fast:build/wasm/%.o=src/kernels/%.c)

wasm: $(WASM) web/engine/kvc-lab.json
$(WASM): $(CORE) $(HEADERS) $(wildcard src/wasm/*) src/build.mk | build/include/simde
	@mkdir -p $(dir $(small))
	. .ci/setup.sh && run_emcc $(small) -r $(C_FLAGS) -DNDEBUG $(filter-out -Wl%,$(flags)) -Oz $(INCLUDES) \
	        $(filter $(SMALL),$(sources)) && \
	    { [ -z '$(fast)' ] || run_emcc $(fast) -c $(C_FLAGS) -DNDEBUG $(flags) -O3 $(INCLUDES) $(of_fast); } && \
	    run_emcc $@.part $(C_FLAGS) $(flags) $(INCLUDES) $(WASM_FLAGS) $(EXPORTS) \
	        $(filter-out $(SMALL) $(of_fast),$(sources)) $(small) $(fast) && \
	    chmod 644 $@.part && node src/wasm/check.js $@.part $(WASM_GZIP_LIMIT) && mv $@.part $@
web/engine/kvc-lab.json: build/lab/bugs.json
	cp $< $@

# SIMDe alone in a folder of its own: /usr/include on the path would give emcc the wrong libc.
build/include/simde:
	@mkdir -p $(@D)
	@for folder in /usr/include /usr/local/include /opt/homebrew/include; do \
	    [ ! -e $$folder/simde/wasm/simd128.h ] || exec ln -sfn $$folder/simde $@; \
	done; echo "the SIMDe headers are missing (Debian: libsimde-dev)" >&2; exit 1
