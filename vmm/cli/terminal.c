#include "cli/terminal.h"

#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static bool is_saved;

void terminal_save(void)
{
    is_saved = tcgetattr(STDIN_FILENO, &saved) == 0;
}

void terminal_restore(void)
{
    if (is_saved)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}
