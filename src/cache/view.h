/* view.h - what queries see of a cache. */
#ifndef KVC_VIEW_H
#define KVC_VIEW_H

#include <stddef.h>

/* What scores gain by distance, before they are scaled, in head h: at[h * stride + j - i]
 * for the key of slot j and the query of position i. Whole vectors are read: j goes on to
 * a multiple of 4. */
typedef struct kvc_bias {
    float *at; /* of distance 0 in head 0; NULL: nothing */
    size_t stride;
} kvc_bias;

/* What queries see. Slots before the window are neither read nor weighed: the bits are
 * the same whether they still hold K and V or not. */
typedef struct kvc_view {
    size_t window; /* slots, that of the query itself the last; 0: all */
    float scale;   /* of q . k */
    kvc_bias bias;
    const float *turns; /* [2S, turned] by place, of queries that are not turned yet:
                           those of a cache whose slots move; else not looked at */
    size_t turned;      /* numbers of a head that turn */
} kvc_view;

#endif
