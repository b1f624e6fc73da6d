/*
 * One error sentence. A function that can fail because of something the user gave takes a
 * `struct err *` and returns a negative BP_ERR_* status; the lowest function that knows the facts
 * writes the sentence (place, object, problem, remedy), those above only unwind.
 */
#ifndef VMM_UTIL_ERR_H
#define VMM_UTIL_ERR_H

#include <stdint.h>

struct err {
    char text[1024];
};

/* Writes the sentence and returns `status`, so that `return err_set(err, BP_ERR_..., ...)` reads
 * as one step. `err` may be NULL. */
int32_t err_set(struct err *err, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the sentence that is already there. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
