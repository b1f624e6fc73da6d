/* What the backend (char-stdio.c), its output (output.c) and the terminal (terminal.c) share. */
#ifndef CHAR_STDIO_H
#define CHAR_STDIO_H

#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <backplane/if/power.h>
#include <stdbool.h>
#include <termios.h>

#define STDIO_INPUT_BYTES  65536u
#define STDIO_OUTPUT_BYTES 16384u

/* A ring of bytes. */
struct stdio_ring {
    uint8_t *bytes;
    uint32_t size; /* a power of two */
    uint32_t first;
    uint32_t n;
};

enum stdio_input {
    INPUT_NONE,     /* ended, or never there */
    INPUT_TERMINAL, /* raw, with escapes: read as it comes, so that they always work */
    INPUT_STREAM,   /* pipe or socket: bytes stay there until the device wants them */
    INPUT_FILE,     /* always ready */
};

enum stdio_output {
    OUTPUT_GONE,     /* closed: bytes vanish */
    OUTPUT_OWN,      /* reopened, non-blocking, ours */
    OUTPUT_SOCKET,   /* shared, but each call can say that it does not wait */
    OUTPUT_FILE,     /* never makes one wait */
    OUTPUT_BLOCKING, /* could not be reopened: asked first, then given little */
};

struct char_stdio {
    const struct bp_host *host;
    const struct bp_loop *loop;
    const struct bp_link_if *link;
    const struct bp_power *power;
    bool is_the_one; /* that holds the process's standard streams */

    enum stdio_input input;
    bp_handle in_watch;
    bool is_armed;        /* in_watch waits for bytes (streams) */
    bool has_escape;      /* the last byte was Ctrl-A */
    bool has_dropped;     /* warned that input was lost */
    struct stdio_ring in; /* terminals */

    enum stdio_output output;
    int out_fd;
    bp_handle out_watch;
    bool is_waiting;    /* out_watch waits for room */
    bool will_flush;    /* a deferred flush is on its way */
    bool owes_writable; /* a write was cut short */
    struct stdio_ring out;

    bool is_raw;
    struct termios saved; /* as the terminal was */
};

/* Ring of bytes: how many were taken. */
uint32_t ring_put(struct stdio_ring *ring, const uint8_t *from, uint32_t size);
uint32_t ring_get(struct stdio_ring *ring, uint8_t *to, uint32_t size);

/* --- Output: output.c ------------------------------------------------------------------------- */
void output_open(struct char_stdio *s);
uint32_t output_write(struct char_stdio *s, const uint8_t *from, uint32_t size);
void output_flush(struct char_stdio *s);
/* Gives what is left up to a second, then closes. */
void output_close(struct char_stdio *s);

/* --- Terminal: terminal.c --------------------------------------------------------------------- */
/* Is standard input a terminal that belongs to us now? */
enum stdio_input terminal_probe(const struct char_stdio *s);
void terminal_make_raw(struct char_stdio *s);
void terminal_restore(struct char_stdio *s);
/* A byte that was typed: an escape, or one for the guest. */
void terminal_byte(struct char_stdio *s, uint8_t byte);

#endif
