#include "cli/terminal.h"

#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved, running;
static bool is_saved, is_running;

void terminal_save(void)
{
    is_saved = tcgetattr(STDIN_FILENO, &saved) == 0;
}

void terminal_restore(void)
{
    if (is_saved)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    is_running = false;
}

void terminal_note_running(void)
{
    is_running = is_saved && tcgetattr(STDIN_FILENO, &running) == 0;
}

void terminal_continue(void)
{
    /* In the background it is another's, and setting it would stop us again. */
    if (is_running && tcgetpgrp(STDIN_FILENO) == getpgrp())
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &running);
}
