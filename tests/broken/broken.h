/*
 * What the plugins in this folder share. Each has one mistake and is otherwise as it should be. The
 * head of each source says what of `plugin check` must find it, for tests/conformance/run:
 *
 *   Caught by NAME: what is wrong.     the test that must fail; others may
 *   Caught by NAME alone: ...          no other may
 *   Also by NAME, NAME                 these must, too, and no other may
 *   Level: fuzz                        the level to check at; otherwise state
 *   Says: TEXT                         what the failure of the first test says, among other things
 *   Blind: sanitizers                  a program with one cannot see it
 *   Flags: -Wl,...                     for the compiler
 */
#ifndef TESTS_BROKEN_BROKEN_H
#define TESTS_BROKEN_BROKEN_H

#include <backplane/plugin.h>

#define BROKEN_ID "org.example.broken"

/* The class, with what makes it broken. */
#define BROKEN_CLASS(...)                                                                          \
    static const struct bp_class broken = {.struct_size = sizeof(struct bp_class),                 \
                                           .id = BROKEN_ID,                                        \
                                           .version = "1.0",                                       \
                                           .summary = "A plugin with a mistake, for tests",        \
                                           __VA_ARGS__}

#define BROKEN_PLUGIN(...)                                                                         \
    BROKEN_CLASS(__VA_ARGS__);                                                                     \
    BP_PLUGIN(BROKEN_ID, "1.0", &broken)

#endif
