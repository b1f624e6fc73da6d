/*
 * bp.power-button/1 - service of the device that has the machine's power button: the host presses
 * it when the user asks for a shutdown in good order. What follows is the guest's decision.
 */
#ifndef BACKPLANE_IF_POWER_BUTTON_H
#define BACKPLANE_IF_POWER_BUTTON_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_POWER_BUTTON_ID "bp.power-button/1"

struct bp_power_button_ops {
    uint32_t struct_size;
    uint32_t pad;
    /* [dev] Pressed and let go, on the loop's thread. A guest that does not listen to the button
     * never sees it. */
    void (*press)(void *dev);
};

#ifdef __cplusplus
}
#endif
#endif
