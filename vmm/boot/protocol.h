/* For the files of boot/ only: one boot in all its parts, and what each boot protocol fills in. */
#ifndef VMM_BOOT_PROTOCOL_H
#define VMM_BOOT_PROTOCOL_H

#include "boot/boot.h"
#include "boot/image.h"
#include "boot/space.h"

struct boot {
    enum arch arch;
    struct boot_space space;
    struct boot_image kernel;
    struct boot_image firmware;
    struct boot_file initrd;
    struct boot_plan plan;
    size_t dtb_bytes; /* announced */
    uint8_t info[64]; /* goes to plan.info_gpa */
    size_t info_bytes;
};

/* Claims an image's segments for `what`. */
int32_t boot_claim_image(struct boot *boot, const struct boot_image *image, struct err *err);

/* The files are open; decides where all of it goes. */
int32_t boot_riscv_arrange(struct boot *boot, struct err *err);
size_t boot_riscv_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out);

#endif
