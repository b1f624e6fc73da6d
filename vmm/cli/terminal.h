/* The user's terminal: as it was found, on every way out. */
#ifndef VMM_CLI_TERMINAL_H
#define VMM_CLI_TERMINAL_H

/* Remembers the settings of standard input, if that is a terminal. */
void terminal_save(void);

/* Back to what terminal_save found; safe in a signal handler; harmless without it. */
void terminal_restore(void);

/* Remembers the settings of the running machine, if terminal_save found a terminal. */
void terminal_note_running(void);

/* Back to those after the program was stopped (SIGCONT); safe in a signal handler. */
void terminal_continue(void);

#endif
