/* duel.h - a random case, done by the engine and held against truth.h after each
 * operation. */
#ifndef DUEL_H
#define DUEL_H

#include "random_case.h"

/* True where the engine does what it must; says what it does not, if it is to speak. */
bool duel(const random_case *c, bool speak);

#endif
