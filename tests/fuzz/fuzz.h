/* fuzz.h - a fuzz target is a function of bytes: libFuzzer feeds it in build/fuzz, and
 * everywhere else its main replays what libFuzzer found before. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes as a source of choices; zeros once they are used up. */
typedef struct fuzz_bytes {
    const uint8_t *next;
    size_t left;
} fuzz_bytes;

uint8_t fuzz_byte(fuzz_bytes *in);
size_t fuzz_below(fuzz_bytes *in, size_t n); /* 0 .. n-1, n <= 65536 */
uint64_t fuzz_u64(fuzz_bytes *in);
void fuzz_copy(fuzz_bytes *in, void *to, size_t n);

/* Says what must hold, and stops where it does not. */
#define fuzz_check(condition)                                                            \
    ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* The files that main is given, or the target's whole corpus as one test. */
int fuzz_replay(int argc, char **argv, void (*target)(fuzz_bytes in));

/* Ends a file that has a target, static void target(fuzz_bytes in). */
#ifdef KVC_FUZZ
#define FUZZ_TARGET(target)                                                              \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)                           \
    {                                                                                    \
        target((fuzz_bytes){bytes, n});                                                  \
        return 0;                                                                        \
    }
#else
#define FUZZ_TARGET(target)                                                              \
    int main(int argc, char **argv)                                                      \
    {                                                                                    \
        return fuzz_replay(argc, argv, target);                                          \
    }
#endif

#endif
