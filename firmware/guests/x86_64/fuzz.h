/* fuzz: what its parts share. fuzz.c has the head comment. */
#ifndef FUZZ_H
#define FUZZ_H

#include "guest.h"

u64 pick_value(void);
u64 pick_in_arena(void);
/* NULL: there is none of that kind; any kind but WINDOW_APIC and ports for WINDOW_OTHER. */
const volatile struct window *pick_memory(u32 kind);

/* The things it does: each is one round. */
void do_ports(u64 a, u64 b, u64 c);
void do_strings(u64 a, u64 b, u64 c);
void do_memory(u64 a, u64 b, u64 c);
void do_virtio(u64 a, u64 b, u64 c);

/* One access to memory, of a kind that the host must emulate in its own way. */
void access_memory(u64 gpa, u64 value);

#endif
