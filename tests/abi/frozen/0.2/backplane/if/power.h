/* bp.power/1 - how a device ends, resets or pauses the machine, or passes on the user's wish. */
#ifndef BACKPLANE_IF_POWER_H
#define BACKPLANE_IF_POWER_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_POWER_ID "bp.power/1"

#define BP_POWER_OFF        1u /* the guest powered off; code 0, or the exit status it asked for */
#define BP_POWER_RESET      2u /* the guest asked for a reset */
#define BP_POWER_CRASHED    3u /* the guest reported that it crashed */
#define BP_POWER_YIELD      4u /* pause the machine here */
#define BP_POWER_USER_YIELD 5u /* a host service is asked for; the guest goes on afterwards */
#define BP_POWER_BUTTON     6u /* the user pressed the machine's power button, if it has one */

struct bp_power {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] The first request of a run counts (but BP_POWER_BUTTON: every one). `code` (0-255)
     * becomes the exit status of the program for BP_POWER_OFF. Returns at once; the processors stop
     * soon after. */
    void (*request)(const struct bp_host *host, uint32_t what, uint32_t code);
};

#ifdef __cplusplus
}
#endif
#endif
