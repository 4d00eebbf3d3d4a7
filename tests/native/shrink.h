/* shrink.h - makes a failing case small: what can be left out or lessened while it still
 * fails is. */
#ifndef SHRINK_H
#define SHRINK_H

#include "random_case.h"

void shrink(random_case *c, bool (*fails)(const random_case *c));

#endif
