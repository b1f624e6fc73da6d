/* bp.config/1, bp.region/1 and bp.link/1: what a device can learn of itself. */
#include "plugin/host_tables.h"

static int32_t find(const struct bp_host *host, const char *property,
                    const struct bp_property **row, const struct property_value **value)
{
    const struct device *dev = device_of(host);
    uint32_t index;
    *row = property_find(dev->class_, property, &index);
    if (*row == NULL)
        return BP_ERR_NOT_FOUND;
    *value = &dev->values[index];
    return BP_OK;
}

static int is_text(const struct bp_property *row)
{
    return row->type == BP_STRING || row->type == BP_PATH;
}

static int32_t get_u64(const struct bp_host *host, const char *property, uint64_t *out)
{
    const struct bp_property *row;
    const struct property_value *value;
    int32_t status = find(host, property, &row, &value);
    if (status != BP_OK)
        return status;
    if (is_text(row))
        return BP_ERR_INVALID;
    *out = value->number;
    return BP_OK;
}

static int32_t get_string(const struct bp_host *host, const char *property, const char **out)
{
    const struct bp_property *row;
    const struct property_value *value;
    int32_t status = find(host, property, &row, &value);
    if (status != BP_OK)
        return status;
    if (!is_text(row))
        return BP_ERR_INVALID;
    *out = value->string;
    return BP_OK;
}

const struct bp_config host_config = {
    .struct_size = sizeof(struct bp_config), .get_u64 = get_u64, .get_string = get_string};

static int32_t resize(const struct bp_host *host, uint32_t region, uint64_t size)
{
    struct device *dev = device_of(host);
    if (dev->frozen)
        return host->set_error(host, BP_ERR_STATE, "its plugin resizes a region after plan");
    if (region >= dev->class_->regions.n_rows)
        return host->set_error(host, BP_ERR_NOT_FOUND, "its plugin resizes a region it has not");
    if (size == 0)
        return host->set_error(host, BP_ERR_INVALID, "its plugin resizes a region to 0");
    dev->regions[region].asked_bytes = size;
    return BP_OK;
}

static uint64_t region_size(const struct bp_host *host, uint32_t region)
{
    const struct device *dev = device_of(host);
    return region < dev->class_->regions.n_rows ? dev->regions[region].asked_bytes : 0;
}

const struct bp_region_if host_region = {
    .struct_size = sizeof(struct bp_region_if), .resize = resize, .size = region_size};

static uint32_t is_connected(const struct bp_host *host, uint32_t link)
{
    return device_link_at(device_of(host), link) != NULL;
}

static void notify(const struct bp_host *host, uint32_t event)
{
    device_notify_users(device_of(host), event);
}

const struct bp_link_if host_link = {
    .struct_size = sizeof(struct bp_link_if), .is_connected = is_connected, .notify = notify};
