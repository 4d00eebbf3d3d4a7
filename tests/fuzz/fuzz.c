#define _DEFAULT_SOURCE /* dirent.h */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MOST_BYTES = 1 << 16 }; /* of an input */

uint8_t fuzz_byte(fuzz_bytes *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->next++;
}

size_t fuzz_below(fuzz_bytes *in, size_t n)
{
    const size_t low = fuzz_byte(in);
    return (n > 256 ? low + 256u * fuzz_byte(in) : low) % n;
}

uint64_t fuzz_u64(fuzz_bytes *in)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x = x << 8 | fuzz_byte(in);
    return x;
}

void fuzz_copy(fuzz_bytes *in, void *to, size_t n)
{
    for (uint8_t *byte = to; n > 0; n--)
        *byte++ = fuzz_byte(in);
}

void fuzz_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
    abort();
}

/* ---- replay ------------------------------------------------------------------------ */

static void (*target)(fuzz_bytes in);
static char corpus[256];

/* In a block of exactly the file's size: AddressSanitizer sees every step beyond it. */
static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    uint8_t *bytes = check_alloc(1, MOST_BYTES);
    const size_t n = fread(bytes, 1, MOST_BYTES, file);
    fclose(file);
    uint8_t *exact = check_alloc(1, n + 1);
    memcpy(exact + 1, bytes, n);
    free(bytes);
    target((fuzz_bytes){exact + 1, n});
    free(exact);
}

static void every_input_of_the_corpus(void **unused)
{
    (void)unused;
    size_t n = 0;
    DIR *folder = opendir(corpus);
    if (!folder)
        fail_msg("%s is not there; run from the repository's root", corpus);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", corpus, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        replay_file(path);
        n++;
    }
    closedir(folder);
    print_message("%zu inputs\n", n);
    assert_true(n > 0);
}

int fuzz_replay(int argc, char **argv, void (*of)(fuzz_bytes in))
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_input_of_the_corpus)};
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    snprintf(corpus, sizeof corpus, "tests/fuzz/corpus/%s", name);
    target = of;
    for (int i = 1; i < argc; i++)
        replay_file(argv[i]);
    return argc > 1 ? 0 : cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
