/* pass.h - work in steps over the rows of spans. */
#ifndef KVC_PASS_H
#define KVC_PASS_H

#include "session/session.h"

/* TOKEN_OUT_OF_RANGE where one of T ids is not in the vocabulary. */
kvc_error kvc_check_ids(const kvc_session *session, const uint32_t *ids, size_t T);

/* Starts a pass over the first n_spans of session->spans; the rest of it is the caller's. */
void kvc_pass_start(kvc_session *session, kvc_pass pass);

/* Steps to the end. */
kvc_error kvc_pass_run(kvc_session *session);

#endif
