/* The hostile guest: what its parts share. hostile.c has the head comment. */
#ifndef HOSTILE_H
#define HOSTILE_H

#define WINDOWS_MAX 16
#define HARTS_MAX   8

#define FLAG_MACHINE_MODE 1u /* the build's mode, for the runner to check */
#define FLAG_WILD         2u /* nothing is spared: not the page tables, not this program */
#define FLAG_FLOOD        4u /* fill the disk's queue with the largest reads, then wait for ever */
#define FLAG_FLOOD_RESET  8u /* after that, reset the disk */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

enum window_kind { WINDOW_OTHER, WINDOW_VIRTIO, WINDOW_FINISHER, WINDOW_ACLINT };

struct window {
    u64 base, size, kind;
};

/* Filled in by the runner, which looks for the magic bytes in the file. */
struct config {
    char magic[8];
    u64 seed;
    u64 rounds; /* of each hart; the first that has done them powers off */
    u64 ram_base, ram_size;
    u64 n_harts;
    u64 flags;
    u64 n_windows;
    struct window windows[WINDOWS_MAX];
};

/* A hart's own. Offsets of the first four are known to hostile.S. */
struct hart {
    u64 top;     /* the innermost attempt's frame */
    u64 cause;   /* of the last trap */
    u64 enabled; /* interrupt-enable bits for attempts */
    u64 traps;
    u64 id;
    u64 random;
    u64 pad[2]; /* hostile.S knows the size, 64 bytes, too */
};

extern volatile struct config config;

/* Runs fn(a, b, c) with interrupts on. Returns 1 if a trap or an interrupt ended it. */
int attempt(void (*fn)(u64 a, u64 b, u64 c), u64 a, u64 b, u64 c);
/* Loads x1..x31 from the table and goes to `pc`, in the mode that `status` names. */
void leap(u64 pc, const u64 registers[31], u64 status);
void secondary_entry(void);

struct hart *this_hart(void);
u64 next_random(void);
u64 below(u64 n);
u64 pick_address(void);
u64 pick_value(void);
/* At most `ticks` from now an interrupt ends the attempt. */
void set_watchdog(u64 ticks);
u64 arena_base(void);
u64 arena_size(void);
u64 pick_in_arena(void);
const volatile struct window *pick_window(void);

/* The things it does: each is one round. */
void do_accesses(u64 a, u64 b, u64 c);
void do_program(u64 a, u64 b, u64 c);
void do_csr(u64 a, u64 b, u64 c);
void do_calls(u64 a, u64 b, u64 c);
void do_tables(u64 a, u64 b, u64 c);
void do_sleep(u64 a, u64 b, u64 c);
void do_storm(u64 a, u64 b, u64 c);
void do_virtio(u64 a, u64 b, u64 c);
void flood_disk(void);
void power_off(void);
struct sbi_result {
    i64 error, value;
};
struct sbi_result sbi_call(u64 extension, u64 function, u64 a0, u64 a1, u64 a2, u64 a3);
void access_once(u64 address, u64 kind, u64 value);

#endif
