/* lab.h - the mistakes that people ship in KV caches, each a switch of the lab build
 * (-DKVC_LAB) at the line where it is made. Elsewhere a switch is 0 and leaves no trace:
 * `../build.sh mutants` compares the objects with those of sources that have had the
 * switches cut out. What it can cut are these forms, on a line (or two) of their own:
 *
 *     if (KVC_BUG(B6))                    if (right && !KVC_BUG(B8))
 *         slot++;                         if (wrong || KVC_BUG(B17))
 */
#ifndef KVC_LAB_H
#define KVC_LAB_H

#ifdef KVC_LAB

/* BUG(id, name, what goes wrong): ids as the literature of bugs in kv caches has them
 * in this project; a letter tells two ways to make one mistake. */
#define KVC_BUGS(BUG)                                                                    \
    BUG(B23a, "cross_recomputed",                                                        \
        "Cross-attention projects K and V of its source again at every step.")

#define KVC_BUG_ENUM(id, name, text) KVC_BUG_##id,
typedef enum kvc_bug { KVC_NO_BUG, KVC_BUGS(KVC_BUG_ENUM) KVC_BUG_COUNT } kvc_bug;
#undef KVC_BUG_ENUM

/* The one that is switched on: for the whole library, for every object. */
extern kvc_bug kvc_lab_planted;
#define KVC_BUG(id) (kvc_lab_planted == KVC_BUG_##id)

void kvc_lab_set(kvc_bug bug);

/* "B6", "write_slot", a sentence; NULL for bugs that are not there. Static. */
const char *kvc_lab_bug_id(kvc_bug bug);
const char *kvc_lab_bug_name(kvc_bug bug);
const char *kvc_lab_bug_text(kvc_bug bug);
#else
#define KVC_BUG(id) 0
#endif

#endif
