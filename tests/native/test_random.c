/* Five thousand random programs over random models, shared out among builds, each held
 * against truth.h after every operation: errors, positions, what the cache holds, and
 * every bit of the logits. Each case comes from its number alone. A failing one is made
 * as small as it still fails and printed; a crash and a hang are failures like any other.
 *
 *     test_random                      all cases; those of $PART
 *     test_random replay "CASE"        one, as it was printed
 *     test_random trace SEED           what one must do, line by line
 *     test_random print                the fixture that Node repeats:
 * tests/fixtures/random.txt */
#define _DEFAULT_SOURCE /* fork, mmap, fmemopen */
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "duel.h"
#include "shrink.h"
#include "truth.h"

enum { CASES = 5000, PATIENCE = 900 /* seconds for all, beside others */ };
static const char path[] = "tests/fixtures/random.txt";

/* ---- all cases --------------------------------------------------------------------- */

/* Runs cases in a process of its own, where a crash or a hang does no harm; *n counts
 * those that are done. True where all hold. */
static bool run_apart(const random_case *one, size_t *n, bool speak)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        bool good = true;
        if (!speak &&
            (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
            abort();
        alarm(PATIENCE);
        for (*n = 0; good && *n < (one ? 1 : CASES); *n += good) {
            if (!one && !check_share(*n))
                continue;
            const random_case c = one ? *one : random_case_new(*n + 1);
            good = duel(&c, speak);
        }
        exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status == 0;
}

static size_t *shared_counter(void)
{
    void *memory = mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

static bool fails(const random_case *c)
{
    size_t n;
    return !run_apart(c, &n, false);
}

static void random_cases_equal_the_naive_oracle(void **unused)
{
    (void)unused;
    size_t *done = shared_counter();
    if (run_apart(NULL, done, false))
        return;
    const size_t seed = *done + 1;
    random_case c = random_case_new(seed);
    print_error("case %zu fails:\n", seed);
    case_print(stderr, &c);
    if (getenv("KVC_BUG"))
        fail(); /* a bug that is known: nobody reads the rest */
    shrink(&c, fails);
    print_error("and so does, in short:\n");
    case_print(stderr, &c);
    run_apart(&c, done, true);
    fail_msg("replay it: build/FLAVOUR/test_random replay \"model ...\"");
}

static void print_fixture(FILE *out)
{
    fprintf(out, "# What random cases must do, from the naive oracle: the digest of case "
                 "1, 2, ... How to remake this file: tests/native/test_random.c\n");
    for (size_t i = 1; i <= CASE_GPT2; i++) {
        const random_case c = random_case_new(i);
        fprintf(out, "%016" PRIx64 "\n", truth_digest(&c, NULL));
    }
}

/* The digests that Node compares with are those of today's oracle. */
static void the_fixture_is_the_oracles(void **unused)
{
    (void)unused;
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is not there; run from the repository's root", path);
    char line[256];
    assert_non_null(fgets(line, sizeof line, file)); /* the comment */
    for (size_t i = 1; i <= CASE_GPT2; i++) {
        uint64_t digest = 0;
        assert_true(fscanf(file, "%" SCNx64, &digest) == 1);
        if (!check_share(i))
            continue;
        const random_case c = random_case_new(i);
        if (digest != truth_digest(&c, NULL))
            fail_msg("%s: case %zu is another one", path, i);
    }
    fclose(file);
}

/* Every case survives being printed and read. */
static void cases_read_back(void **unused)
{
    (void)unused;
    for (size_t i = 1; i <= CASES; i++) {
        if (!check_share(i))
            continue;
        char text[2][8192];
        random_case c = random_case_new(i);
        for (int j = 0; j < 2; j++) {
            FILE *out = fmemopen(text[j], sizeof text[j], "w");
            case_print(out, &c);
            fclose(out);
            assert_true(case_parse(&c, text[j]));
        }
        assert_string_equal(text[0], text[1]);
    }
}

static int replay(const char *text)
{
    random_case c;
    if (!case_parse(&c, text)) {
        fprintf(stderr, "this is no case: %s\n", text);
        return 2;
    }
    return duel(&c, true) ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_cases_equal_the_naive_oracle),
        cmocka_unit_test(the_fixture_is_the_oracles),
        cmocka_unit_test(cases_read_back),
    };
    if (argc == 3 && strcmp(argv[1], "replay") == 0)
        return replay(argv[2]);
    if (argc == 3 && strcmp(argv[1], "trace") == 0) {
        const random_case c = random_case_new(strtoull(argv[2], NULL, 10));
        case_print(stdout, &c);
        truth_digest(&c, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "print") == 0) {
        print_fixture(stdout);
        return 0;
    }
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
