/* Other programs that look at what a plugin made: dtc, iasl. */
#ifndef VMM_CHECK_TOOL_H
#define VMM_CHECK_TOOL_H

#include <stddef.h>
#include <stdint.h>

enum tool_end { TOOL_ENDED, TOOL_ABSENT, TOOL_LATE, TOOL_BROKEN };

/* Runs argv[0] from PATH, without a shell, in the current directory; what it writes to standard
 * output and error is cut to fit `said`. *status is that of waitpid when it has ended. */
enum tool_end tool_run(char *const argv[], uint32_t limit_ms, char *said, size_t size, int *status);

#endif
