/* The program but for main itself, so that tests can call it. */
#ifndef VMM_CLI_COMMANDS_H
#define VMM_CLI_COMMANDS_H

int commands_main(int argc, char **argv);

#endif
