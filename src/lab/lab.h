/* lab.h - the mistakes that people ship in KV caches, each a switch of the lab build
 * (-DKVC_LAB) at the line where it is made. Elsewhere a switch is 0 and leaves no trace:
 * `../build.sh mutants` compares the objects with those of sources that have had the
 * switches cut out. It can cut a term of a condition, and an if or for with one line:
 *
 *     if (KVC_BUG(B6) && at > KVC_PAGE)        if (a == b || KVC_BUG(B17))
 *         at--;                                if (full && !KVC_BUG(B19))
 */
#ifndef KVC_LAB_H
#define KVC_LAB_H

#ifdef KVC_LAB
#include "kvc.h"

/* BUG(id, name, what goes wrong). A letter behind the number: two ways to make one
 * mistake. */
#define KVC_BUGS(BUG)                                                                    \
    BUG(B1, "position_zero", "Every step of a single token embeds it at position 0.")    \
    BUG(B2, "prefill_offset",                                                            \
        "After a prefill the cache counts twice as many tokens as it was given.")        \
    BUG(B3, "prompt_not_written",                                                        \
        "What begins the text, prompt or first token, is never written into the cache.") \
    BUG(B4, "self_not_seen", "A token does not see itself, only those before it.")       \
    BUG(B5a, "one_layers_cache",                                                         \
        "All layers write and read the cache of the last one, as a closure over a loop " \
        "variable does.")                                                                \
    BUG(B5b, "one_layers_weights", "All layers run with the weights of the last one.")   \
    BUG(B6, "write_slot",                                                                \
        "From the second page on, K and V are written one slot too early.")              \
    BUG(B7, "prefill_sees_future",                                                       \
        "The mask is left out: each token of a prefill sees those after it.")            \
    BUG(B8, "mask_not_offset",                                                           \
        "The mask of a chunk forgets how many tokens are cached before it.")             \
    BUG(B9, "page_edge", "The last page is left out when it holds a single token.")      \
    BUG(B11, "padding_attended",                                                         \
        "Rows of a batch attend up to the longest of them, over slots that hold "        \
        "nothing.")                                                                      \
    BUG(B14, "slide_learned",                                                            \
        "A cache whose positions are learned slides: its tokens move and their "         \
        "positions do not.")                                                             \
    BUG(B16, "silent_wrap", "A full cache starts again at slot 0 and says nothing.")     \
    BUG(B17, "stale_after_edit",                                                         \
        "An edited prompt keeps the cache of the old one where it is not longer.")       \
    BUG(B18, "seam",                                                                     \
        "The common prefix is one token too long: the first one that differs.")          \
    BUG(B19, "full_hit",                                                                 \
        "A prompt that is all cached leaves no token to compute logits from.")           \
    BUG(B20a, "rollback_resets", "Rewinding by a token empties the cache.")              \
    BUG(B20b, "rejected_draft", "Rewinding leaves the first of the rejected tokens.")    \
    BUG(B21, "stale_keys",                                                               \
        "Rewinding moves the cursor only: the pages behind it stay and are attended "    \
        "to.")                                                                           \
    BUG(B22a, "reorder_skips", "Reordering beams skips a cache of small elements.")      \
    BUG(B22b, "shared_page_written",                                                     \
        "A sequence writes into a page that it shares with another, without a copy.")    \
    BUG(B23a, "cross_recomputed",                                                        \
        "Cross-attention projects K and V again at every step.")                         \
    BUG(B23b, "cross_masked",                                                            \
        "Cross-attention is masked as if its source were the past.")                     \
    BUG(B24, "whole_text_again",                                                         \
        "The whole text is fed at each step, on top of the cache.")                      \
    BUG(B25, "padding_in_sum",                                                           \
        "The sum of the softmax goes over slots beyond the last token.")                 \
    BUG(B26, "history_copied", "Every write copies the whole history into new pages.")

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

/* kvc_session_evict as it would be without its refusal. */
kvc_error kvc_lab_slide(kvc_session *session, size_t first, size_t n);
#else
#define KVC_BUG(id) 0
#define kvc_lab_slide(session, first, n) KVC_ERR_UNSUPPORTED
#endif

#endif
