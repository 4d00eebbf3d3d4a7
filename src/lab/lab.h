/* lab.h - the lab build: the sources with the bugs of bugs.txt planted, each at run time.
 * Only generated sources include this; the shipped ones know nothing of it. */
#ifndef KVC_LAB_H
#define KVC_LAB_H

#include "kvc.h"

/* The bug that is switched on, by its place in bugs.txt from 1 on; 0: none. It applies to
 * every object of the library. */
extern int kvc_lab_bug;
void kvc_lab_set(int bug);

/* The length of a common prefix, or one more where it ends with a page that the selected
 * sequence shares and T ids go on. */
size_t kvc_lab_seam(const kvc_session *session, size_t common, size_t T);

/* kvc_session_evict as it would be without its refusal. */
kvc_error kvc_lab_slide(kvc_session *session, size_t first, size_t n);

#endif
