/* table.h - the words that the tables of architectures are written in. */
#ifndef KVC_TABLE_H
#define KVC_TABLE_H

#include "kernels/activation.h"
#include "kernels/norm.h"
#include "model/model.h"

#define MODEL(member) offsetof(kvc_model, member)
#define LAYER(member) offsetof(kvc_layer, member)
#define ONLY(flag) .only = offsetof(kvc_config, flag)
#define COUNT(array) (sizeof(array) / sizeof *(array))

#endif
