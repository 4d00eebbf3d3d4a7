/* simd.h - the one vocabulary of the kernels: wasm's 128-bit intrinsics. In wasm with
 * -msimd128 they are instructions; everywhere else SIMDe provides them (SSE, NEON, or
 * plain C in the scalar builds). The same operations in the same order: the same bits. */
#ifndef KVC_SIMD_H
#define KVC_SIMD_H

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

#define KVC_INLINE static inline __attribute__((always_inline))

/* The same address, but compilers do not know what is there. V8 builds a known vector anew
 * at each use, in three instructions; a loaded one stays in a register. */
KVC_INLINE const void *kvc_hidden(const void *constants)
{
    __asm__("" : "+r"(constants));
    return constants;
}

/* KVC_ROLLED: before a loop whose body fills the registers: unrolled, it would spill them.
 * KVC_IN_ORDER: after a load: what is loaded later is loaded later. Clang likes to gather
 * the loads of a loop in front of what uses them, where they take the registers of the
 * sums. */
#ifdef __clang__
#define KVC_ROLLED _Pragma("clang loop unroll(disable)")
#define KVC_IN_ORDER __asm__ volatile("" ::: "memory")
#else
#define KVC_ROLLED
#define KVC_IN_ORDER
#endif

#endif
