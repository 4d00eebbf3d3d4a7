/* wasm.h - what the files of the flat ABI (wasm*.c) share: numbers and pointers in, error
 * codes out. They are compiled for wasm only; web/ is their one caller.
 *
 * Strings, shapes, tensor bytes and small results travel through the mailbox, one static
 * block; what is larger lies in memory that the caller allocates. Handles are pointers
 * from malloc. Everything else is include/kvc.h. */
#ifndef KVC_WASM_H
#define KVC_WASM_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "kvc.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

enum { MAILBOX_BYTES = 65536, MAX_RANK = 8 };

typedef union kvc_mailbox {
    uint32_t words[8];
    uint64_t longs[8];
    uint64_t shape[MAX_RANK]; /* followed by the tensor's name */
    char bytes[MAILBOX_BYTES];
} kvc_mailbox;

extern kvc_mailbox mailbox;

/* malloc with the alignment that the library asks for; NULL where there is no room. */
void *kvc_wasm_allocate(size_t bytes);

#endif
