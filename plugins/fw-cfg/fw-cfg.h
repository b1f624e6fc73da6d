/* Firmware configuration: what its files share. Registers and life cycle are in fw-cfg.c, what
 * there is to be read in items.c, DMA in dma.c. */
#ifndef FW_CFG_H
#define FW_CFG_H

#include <backplane/device.h>
#include <backplane/if/mem.h>

#define FILE_NAME_BYTES 56u /* with the NUL */
#define FILE_BYTES_MAX  (UINT32_C(256) << 20)
#define FILES_MAX       128u

/* Something that can be selected. */
struct item {
    uint32_t key;
    uint32_t size;
    uint8_t *bytes;
    char name[FILE_NAME_BYTES]; /* of a file; "": the directory does not list it */
    char *path;                 /* where the bytes come from in realize; NULL: they are here */
};

struct fw_cfg {
    const struct bp_host *host;
    const struct bp_mem *mem;
    const char *files; /* properties */
    const char *strings;
    struct item *items; /* signature, id, directory, files */
    uint32_t n_items;
    uint32_t key; /* selected */
    uint32_t offset;
    uint32_t dma_high; /* upper half of the next descriptor's address */
    uint32_t is_running;
    uint32_t slice_planned;
    uint32_t dma_left; /* bytes of the transfer that goes on, 0: there is none */
    uint64_t dma_gpa;  /* where the next of them goes */
    uint64_t dma_descriptor_gpa;
    uint64_t contents; /* a digest of everything in `items` */
};

/* --- items.c ---------------------------------------------------------------------------------- */
/* [setup] What the properties name; the files' bytes; the directory and the digest. An error has
 * its sentence. items_free takes what is there. */
int32_t items_create(struct fw_cfg *s);
int32_t items_load(struct fw_cfg *s);
void items_free(struct fw_cfg *s);

/* NULL: there is no such key. */
const struct item *items_find(const struct fw_cfg *s, uint32_t key);

/* --- fw-cfg.c --------------------------------------------------------------------------------- */
void fw_cfg_select(struct fw_cfg *s, uint32_t key);

/* --- dma.c ------------------------------------------------------------------------------------ */
/* The guest has given the address of a descriptor. */
void dma_begin(struct fw_cfg *s, uint64_t descriptor_gpa);

/* A transfer that was parked goes on. */
void dma_resume(struct fw_cfg *s);

#endif
