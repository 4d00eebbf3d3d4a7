/* pass.h - takes the spans of a pass through the layers, step by step. */
#ifndef KVC_PASS_H
#define KVC_PASS_H

#include "session/session.h"

/* Whether all ids are in the vocabulary. */
bool kvc_ids_exist(const kvc_session *session, const uint32_t *ids, size_t T);

/* TOKEN_OUT_OF_RANGE where one of T ids is not in the vocabulary; NO_SOURCE where the
 * model needs one. */
kvc_error kvc_check_ids(const kvc_session *session, const uint32_t *ids, size_t T);

/* Starts a pass over the first pass.n_spans of session->spans. The caller fills in all
 * but the progress. */
void kvc_pass_start(kvc_session *session, kvc_pass pass);

/* The next rows: what a span has left behind its stop, or the next group. */
void kvc_pass_go_on(kvc_session *session);

/* Takes back what the pass has put into the cache. */
void kvc_pass_take_back(kvc_session *session);

/* Steps to the end. */
kvc_error kvc_pass_run(kvc_session *session);

#endif
