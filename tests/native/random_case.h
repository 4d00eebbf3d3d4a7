/* random_case.h - a case of test_random: a model, a session over it, and a program of
 * operations; all of it from one seed, and as a line of text that can be pasted back.
 *
 *     model L H Hkv D C F P V f32 SEED session S N f32 int8 ops prefill:3,14 rewind:2 off
 *
 * A Llama has its other numbers behind the seed, "llama OWN_HEAD ... ROPE_HIGH", in the
 * order of kvc_config, and PARALLEL, and so have "qwen2", "qwen3", "gpt_neox", "phi" and
 * "opt"; then "yarn" its own; then comes "window W LAYERS SCALE THETA", where one of them
 * is not 0, and "encoder LAYERS BUCKETS DISTANCE SCALED_HEAD SOURCE_CAPACITY" of a model
 * that has one; a session whose slots move ends with "slide SINKS TEXT" or "evict 0
 * TEXT", the room for its text. Every program means something: an operation that cannot
 * be done has an error to expect, so that programs can be shortened anywhere. Up to
 * CASE_GPT2 the models are GPT-2s, which tests/node/random.js draws as well; beyond,
 * heads share K and V and have a width of their own, most models are of other
 * architectures, and every other one has layers with a window. */
#ifndef RANDOM_CASE_H
#define RANDOM_CASE_H

#include <stdio.h>

#include "kvc.h"

enum { CASE_OPS = 20, CASE_ARGS = 64, CASE_CAPACITY = 96, CASE_SEQUENCES = 4 };
enum { CASE_TEXT = 224 };  /* tokens at most */
enum { CASE_GPT2 = 1000 }; /* seeds 1 .. CASE_GPT2: a GPT-2 */

typedef enum case_kind {
    CASE_PREFILL, /* ids ...: decode where there is one */
    CASE_CANCEL,  /* n, ids ...: a prefill that is dropped after n steps */
    CASE_REWIND,  /* n: the sequence without its last n tokens */
    CASE_EDIT,    /* n, ids ...: sync with these ids in place of the last n */
    CASE_OFF,     /* the cache */
    CASE_ON,
    CASE_RESET,
    CASE_SCORE,     /* ids ...: leaves everything as it was */
    CASE_SELECT,    /* sequence */
    CASE_BATCH,     /* sequence, id, ...: one token more for each */
    CASE_FORK,      /* from, to */
    CASE_REORDER,   /* from ... */
    CASE_DROP,      /* sequence */
    CASE_KEEP,      /* sequence */
    CASE_SAVE,      /* and go on in another session, which restores it */
    CASE_SOURCE,    /* n, ids ...: dropped after n - 1 steps, unless n is 0 */
    CASE_CROSS_OFF, /* the cross cache, where it keeps floats */
    CASE_CROSS_ON,
    CASE_EVICT, /* first, n: slots */
    CASE_KINDS
} case_kind;

typedef struct case_op {
    case_kind kind;
    size_t n;
    uint32_t arg[CASE_ARGS]; /* [n] */
} case_op;

typedef struct random_case {
    kvc_config config;
    uint64_t seed; /* of the weights */
    size_t capacity, n_sequence, source_capacity;
    kvc_dtype key_type, value_type;
    kvc_when_full when_full;
    size_t sinks, text; /* text: 0 with KVC_STOP */
    size_t n_ops;
    case_op op[CASE_OPS];
} random_case;

random_case random_case_new(uint64_t seed);

/* What a session of the case is made with, and the tokens that fit its cache and its
 * text. */
kvc_session_config case_sizes(const random_case *c);
size_t case_slots(const random_case *c);
size_t case_text(const random_case *c);

/* The fewest arguments that an operation has. */
size_t case_least_args(case_kind kind);

void case_print(FILE *out, const random_case *c);
bool case_parse(random_case *c, const char *text); /* false: this is no case */

#endif
