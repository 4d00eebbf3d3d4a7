/* mirror.h - a session with several sequences, and what each of them should be: its text,
 * and the logits and attention that a session of its own has after that text. */
#ifndef MIRROR_H
#define MIRROR_H

#include "check.h"
#include "random_model.h"

enum { MIRROR_S = 70, MIRROR_MOST = 40 }; /* tokens of a sequence; sequences */

typedef struct mirror {
    random_model model;
    size_t n, V;
    kvc_session_config sizes;
    kvc_session *session;
    uint32_t text[MIRROR_MOST][MIRROR_S];
    size_t length[MIRROR_MOST];
    bool has_logits[MIRROR_MOST], with_cache[MIRROR_MOST]; /* of the last pass */
    uint64_t state;
} mirror;

/* n empty sequences over a random model. */
mirror *mirror_new(uint64_t seed, size_t n, kvc_dtype key, kvc_dtype value);
void mirror_free(mirror *m);

/* Asserts that every sequence is what it should be, bit for bit. */
void mirror_check(const mirror *m);

/* Operations, on both sides. */
void mirror_prefill(mirror *m, size_t i, size_t T); /* random tokens */
void mirror_batch(mirror *m,
                  size_t n); /* a random token for each of n sequences, in any order */
void mirror_fork(mirror *m, size_t from, size_t to);
void mirror_reorder(mirror *m, const uint32_t *from);
void mirror_drop(mirror *m, size_t i);
void mirror_keep(mirror *m, size_t i);
void mirror_truncate(mirror *m, size_t i, size_t n);

/* Only what a pass over one token more, its logits there, changes on this side. */
void mirror_note(mirror *m, size_t i, uint32_t id);

/* Steps the session to the end of its pass. */
void mirror_finish(const mirror *m);

#endif
