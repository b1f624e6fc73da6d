/*
 * The terminal that the machine was started from: raw while the machine exists, so that the guest
 * gets every key, but for Ctrl-A, which begins an escape.
 */
#include "char-stdio.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CTRL_A 0x01u

enum stdio_input terminal_probe(const struct char_stdio *s)
{
    if (!isatty(STDIN_FILENO))
        return INPUT_STREAM;
    /* Reading the terminal from the background would stop the whole machine. One that controls no
     * session, such as a serial line, stops nobody. */
    pid_t owner = tcgetpgrp(STDIN_FILENO);
    if (owner == -1 || owner == getpgrp())
        return INPUT_TERMINAL;
    s->host->log(s->host, BP_LOG_INFO, "in the background: the console has no input");
    return INPUT_NONE;
}

void terminal_make_raw(struct char_stdio *s)
{
    struct termios raw;
    if (s->is_raw || s->input != INPUT_TERMINAL || tcgetattr(STDIN_FILENO, &s->saved) != 0)
        return;
    raw = s->saved;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    s->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void terminal_restore(struct char_stdio *s)
{
    if (s->is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
    s->is_raw = false;
}

static void say(struct char_stdio *s, const char *text)
{
    (void)output_write(s, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void help(struct char_stdio *s)
{
    say(s, "\r\n"
           "Ctrl-A h       this help\r\n"
           "Ctrl-A p       presses the power button of a machine that has one\r\n"
           "Ctrl-A x       quit: the machine ends at once, as if its power was cut\r\n"
           "Ctrl-A Ctrl-A  sends Ctrl-A to the guest\r\n");
}

static void for_guest(struct char_stdio *s, uint8_t byte)
{
    if (ring_put(&s->in, &byte, 1) == 1)
        return;
    if (!s->has_dropped)
        s->host->log(s->host, BP_LOG_WARN,
                     "the guest does not read its console: what is typed is lost");
    s->has_dropped = true;
}

void terminal_byte(struct char_stdio *s, uint8_t byte)
{
    bool is_escaped = s->has_escape;
    s->has_escape = !is_escaped && byte == CTRL_A;
    if (s->has_escape)
        return;
    if (!is_escaped) {
        for_guest(s, byte);
        return;
    }
    switch (byte) {
    case CTRL_A:
        for_guest(s, byte);
        break;
    case 'x':
    case 'X':
        say(s, "\r\n");
        s->power->request(s->host, BP_POWER_OFF, 0);
        break;
    case 'p':
    case 'P':
        s->power->request(s->host, BP_POWER_BUTTON, 0);
        break;
    case 'h':
    case 'H':
    case '?':
        help(s);
        break;
    default: /* no escape: nothing happens */
        break;
    }
}
