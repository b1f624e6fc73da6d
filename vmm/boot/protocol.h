/* For the files of boot/ only: one boot in all its parts, and what each boot protocol fills in. */
#ifndef VMM_BOOT_PROTOCOL_H
#define VMM_BOOT_PROTOCOL_H

#include "boot/boot.h"
#include "boot/image.h"
#include "boot/space.h"

/* What an x86_64 kernel is told, and where that lies. */
struct boot_x86 {
    uint8_t header[160]; /* bzImage: its setup header, from 0x1f1 on; otherwise one made up */
    size_t header_bytes;
    uint64_t initrd_last; /* the highest address that an initrd may take */
    uint64_t cmdline_max; /* bytes, without the ending NUL */
    uint64_t covered_bytes;
    uint64_t tables_gpa; /* descriptor and page tables; 0: none are needed */
    uint64_t cmdline_gpa;
    uint64_t zero_page_gpa; /* 0: the kernel gets start_info instead */
    uint64_t setup_data_gpa;
    uint64_t start_info_gpa; /* PVH */
    size_t e820_max;
};

struct boot {
    enum arch arch;
    struct boot_space space;
    struct boot_image kernel;
    struct boot_image firmware;
    struct boot_file initrd;
    struct boot_plan plan;
    char *cmdline;    /* NULL: none */
    size_t dtb_bytes; /* announced */
    size_t acpi_bytes;
    uint8_t info[64]; /* riscv64: goes to plan.info_gpa */
    size_t info_bytes;
    bool has_kernel_size; /* arm64: the kernel tells how much it takes */
    struct boot_x86 x86;
};

/* Claims an image's segments for `what`. */
int32_t boot_claim_image(struct boot *boot, const struct boot_image *image, struct err *err);

/* The files are open; decides where all of it goes. */
int32_t boot_riscv_arrange(struct boot *boot, struct err *err);
size_t boot_riscv_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out);

int32_t boot_arm64_arrange(struct boot *boot, struct err *err);
size_t boot_arm64_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out);

int32_t boot_x86_arrange(struct boot *boot, struct err *err);
int32_t boot_x86_load(const struct boot *boot, struct memory *memory,
                      const struct boot_tables *tables, struct err *err);
size_t boot_x86_registers(const struct boot *boot, uint32_t vcpu, struct boot_register *out);

/* --- The parts of boot_x86 -------------------------------------------------------------------- */

/* A Linux bzImage: checks its header, fills in image, header and limits, claims its range. `head`
 * are the file's first `n` bytes. */
int32_t boot_bzimage_read(struct boot *boot, const uint8_t *head, size_t n, struct err *err);

/* Claims whole pages as low as there are free ones, above the real-mode vectors: most often below
 * 640 KiB. BP_ERR_NO_SPACE when there are none below 4 GiB. */
int32_t boot_x86_place_low(struct boot *boot, const char *what, uint64_t bytes, uint64_t *gpa,
                           struct err *err);

/* Room for the zero page and what hangs on it, then their contents. */
int32_t boot_zero_page_place(struct boot *boot, struct err *err);
int32_t boot_zero_page_write(const struct boot *boot, struct memory *memory,
                             const struct boot_tables *tables, struct err *err);

/* A setup header for kernels that have none in their file. */
void boot_zero_page_make_header(struct boot_x86 *x86);

/* The PVH entry in an ELF file's notes; *entry_gpa is 0 when it has none. */
int32_t boot_pvh_find(const struct boot_image *image, uint64_t *entry_gpa, struct err *err);

/* Room for the PVH start information, then its contents. */
int32_t boot_pvh_place(struct boot *boot, struct err *err);
int32_t boot_pvh_write(const struct boot *boot, struct memory *memory,
                       const struct boot_tables *tables, struct err *err);

#endif
