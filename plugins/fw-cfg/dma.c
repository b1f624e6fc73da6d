/*
 * DMA. A descriptor has a control word, a length and an address, all big-endian; when the device is
 * done it writes the control word, 0 or ERROR, which is what drivers wait for. So a long transfer
 * may take its time: it goes in slices, and other things happen in between.
 */
#include "fw-cfg.h"

#include <backplane/lib/log.h>

#include <inttypes.h>
#include <string.h>

#define ERROR  0x01u
#define READ   0x02u
#define SKIP   0x04u
#define SELECT 0x08u
#define WRITE  0x10u

#define DESCRIPTOR_BYTES 16u
#define SLICE_BYTES      (UINT32_C(512) << 10)

static uint32_t get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void end(struct fw_cfg *s, uint32_t control)
{
    const uint8_t word[4] = {0, 0, 0, (uint8_t)control};

    s->dma_left = 0;
    if (s->mem->write(s->host, s->dma_descriptor_gpa, word, sizeof(word)) != BP_OK)
        bp_guest_logf(s->host, "the DMA descriptor at 0x%" PRIx64 " is no longer in RAM",
                      s->dma_descriptor_gpa);
}

static uint32_t available(const struct fw_cfg *s)
{
    const struct item *item = items_find(s, s->key);

    return item && s->offset < item->size ? item->size - s->offset : 0;
}

/* What lies behind the item's end reads as 0. */
static int32_t copy_some(struct fw_cfg *s, uint32_t size, uint32_t *copied)
{
    static const uint8_t zeros[4096];
    const struct item *item = items_find(s, s->key);
    uint32_t rest = available(s);
    int32_t status;

    *copied = size;
    if (rest && *copied > rest)
        *copied = rest;
    if (!rest && *copied > sizeof(zeros))
        *copied = sizeof(zeros);
    status = s->mem->write(s->host, s->dma_gpa, rest ? item->bytes + s->offset : zeros, *copied);
    s->offset += rest ? *copied : 0;
    return status;
}

static int32_t copy_slice(struct fw_cfg *s)
{
    for (uint32_t done = 0, n; done < SLICE_BYTES && s->dma_left; done += n) {
        uint32_t most = SLICE_BYTES - done;
        int32_t status = copy_some(s, s->dma_left < most ? s->dma_left : most, &n);

        if (status != BP_OK)
            return status;
        s->dma_gpa += n;
        s->dma_left -= n;
    }
    return BP_OK;
}

static void go_on_later(void *dev, uint64_t arg);

/* One slice now, the others as deferred work. */
static void go_on(struct fw_cfg *s)
{
    if (copy_slice(s) != BP_OK) {
        bp_guest_logf(s->host, "DMA to 0x%" PRIx64 ", where no RAM is", s->dma_gpa);
        end(s, ERROR);
    } else if (!s->dma_left) {
        end(s, 0);
    } else {
        dma_resume(s);
    }
}

void dma_resume(struct fw_cfg *s)
{
    if (!s->dma_left || s->slice_planned)
        return;
    s->slice_planned = s->host->defer(s->host, go_on_later, 0) == BP_OK;
    if (!s->slice_planned)
        end(s, ERROR);
}

static void go_on_later(void *dev, uint64_t arg)
{
    struct fw_cfg *s = dev;

    (void)arg;
    s->slice_planned = 0;
    if (s->is_running && s->dma_left)
        go_on(s);
}

static void read_item(struct fw_cfg *s, uint64_t gpa, uint32_t length)
{
    if (length && length - 1 > UINT64_MAX - gpa) {
        bp_guest_logf(s->host, "DMA of %u bytes to 0x%" PRIx64 " goes beyond all addresses", length,
                      gpa);
        end(s, ERROR);
        return;
    }
    s->dma_gpa = gpa;
    s->dma_left = length;
    go_on(s);
}

static void skip(struct fw_cfg *s, uint32_t length)
{
    uint32_t rest = available(s);

    s->offset += length < rest ? length : rest;
    end(s, 0);
}

void dma_begin(struct fw_cfg *s, uint64_t descriptor_gpa)
{
    uint8_t bytes[DESCRIPTOR_BYTES];
    uint32_t control;

    if (s->dma_left) {
        bp_guest_logf(s->host, "DMA was started before the last one ended: ignored");
        return;
    }
    if (s->mem->read(s->host, descriptor_gpa, bytes, sizeof(bytes)) != BP_OK) {
        bp_guest_logf(s->host, "a DMA descriptor at 0x%" PRIx64 ", where no RAM is",
                      descriptor_gpa);
        return;
    }
    s->dma_descriptor_gpa = descriptor_gpa;
    control = get_be32(bytes);
    if (control & SELECT)
        fw_cfg_select(s, control >> 16);
    if (control & READ)
        read_item(s, (uint64_t)get_be32(bytes + 8) << 32 | get_be32(bytes + 12),
                  get_be32(bytes + 4));
    else if (control & WRITE)
        end(s, ERROR);
    else if (control & SKIP)
        skip(s, get_be32(bytes + 4));
    else
        end(s, 0);
}
