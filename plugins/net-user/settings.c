/*
 * Settings: addresses, and `hostfwd`, which is written as other programs have it:
 *
 *     hostfwd = tcp:127.0.0.1:8080-:80,udp::5353-10.0.2.20:53
 */
#include "net-user.h"

#include <arpa/inet.h>
#include <backplane/lib/log.h>
#include <stdlib.h>
#include <string.h>

#define NETWORK_INITIAL "10.0.2.0/24"
#define PREFIX_MIN      8u
#define PREFIX_MAX      27u /* 16 addresses for DHCP, from .15 */
#define ITEM_MAX        63u

/* --- Addresses -------------------------------------------------------------------------------- */

static struct in_addr address_at(const struct user_settings *t, uint32_t n)
{
    return (struct in_addr){htonl(ntohl(t->network.s_addr) + n)};
}

static bool is_inside(const struct user_settings *t, struct in_addr address)
{
    uint32_t host = ntohl(address.s_addr & ~t->mask.s_addr);
    return (address.s_addr & t->mask.s_addr) == t->network.s_addr && host != 0 &&
           host != ntohl(~t->mask.s_addr);
}

/* A decimal number up to `max` that is all of the `size` bytes; false otherwise. */
static bool parse_number(const char *text, size_t size, uint32_t max, uint32_t *value)
{
    *value = 0;
    if (size == 0 || size > 5)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (uint32_t)(text[i] - '0');
    }
    return *value <= max;
}

static bool parse_address(const char *text, size_t size, struct in_addr *address)
{
    char copy[INET_ADDRSTRLEN] = {0};
    if (size >= sizeof(copy))
        return false;
    memcpy(copy, text, size);
    return inet_pton(AF_INET, copy, address) == 1;
}

static int32_t parse_network(const struct net_user *s, struct user_settings *t)
{
    const char *slash = strchr(s->network_text, '/');
    uint32_t prefix;
    if (slash == NULL ||
        !parse_address(s->network_text, (size_t)(slash - s->network_text), &t->network) ||
        !parse_number(slash + 1, strlen(slash + 1), PREFIX_MAX, &prefix) || prefix < PREFIX_MIN)
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "network = %s: an address and the length of its prefix, %u to %u, are "
                         "wanted, as in " NETWORK_INITIAL,
                         s->network_text, PREFIX_MIN, PREFIX_MAX);
    t->mask.s_addr = htonl(UINT32_MAX << (32 - prefix));
    if ((t->network.s_addr & ~t->mask.s_addr) != 0)
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "network = %s: an address of one host: with /%u its last %u bits are 0",
                         s->network_text, prefix, 32 - prefix);
    return BP_OK;
}

/* One address of the network; by default its n-th. */
static int32_t choose_address(const struct net_user *s, const char *key, const char *text,
                              uint32_t n, struct in_addr *address)
{
    *address = address_at(&s->settings, n);
    if (text == NULL || text[0] == '\0')
        return BP_OK;
    if (!parse_address(text, strlen(text), address))
        return bp_errorf(s->host, BP_ERR_INVALID, "%s = %s: an IPv4 address is wanted", key, text);
    if (!is_inside(&s->settings, *address))
        return bp_errorf(s->host, BP_ERR_RANGE, "%s = %s: that is no host's address in %s", key,
                         text, s->network_text);
    return BP_OK;
}

static int32_t choose_addresses(struct net_user *s)
{
    struct user_settings *t = &s->settings;
    int32_t status = parse_network(s, t);
    if (status == BP_OK)
        status = choose_address(s, "host", s->host_text, 2, &t->host);
    if (status == BP_OK)
        status = choose_address(s, "dns", s->dns_text, 3, &t->dns);
    if (status == BP_OK)
        status = choose_address(s, "dhcp-start", s->dhcp_start_text, 15, &t->dhcp_start);
    if (status != BP_OK)
        return status;
    if (t->host.s_addr == t->dns.s_addr || t->host.s_addr == t->dhcp_start.s_addr ||
        t->dns.s_addr == t->dhcp_start.s_addr)
        return s->host->set_error(s->host, BP_ERR_EXISTS,
                                  "host, dns and dhcp-start: two of them are the same address");
    return BP_OK;
}

/* --- Forwards --------------------------------------------------------------------------------- */

/* What is wrong with an item; NULL: nothing. */
struct item {
    const char *at;
    size_t size;
};

/* The part before `end`, which is taken away with it. */
static bool split(struct item *rest, char end, struct item *part)
{
    const char *found = memchr(rest->at, end, rest->size);
    if (found == NULL)
        return false;
    *part = (struct item){rest->at, (size_t)(found - rest->at)};
    rest->size -= part->size + 1;
    rest->at = found + 1;
    return true;
}

static bool parse_port(struct item text, uint16_t *port)
{
    uint32_t value;
    if (!parse_number(text.at, text.size, UINT16_MAX, &value) || value == 0)
        return false;
    *port = (uint16_t)value;
    return true;
}

static const char *parse_forward(const struct user_settings *t, struct item text,
                                 struct user_forward *f)
{
    struct item protocol, host, host_port, guest;
    if (!split(&text, ':', &protocol) || !split(&text, ':', &host) ||
        !split(&text, '-', &host_port) || !split(&text, ':', &guest))
        return "PROTOCOL:[ADDRESS]:PORT-[GUEST]:PORT is wanted, as in tcp:127.0.0.1:8080-:80";
    f->is_udp = protocol.size == 3 && memcmp(protocol.at, "udp", 3) == 0;
    if (!f->is_udp && (protocol.size != 3 || memcmp(protocol.at, "tcp", 3) != 0))
        return "it must begin with tcp or udp";
    f->host.s_addr = htonl(INADDR_ANY);
    if (host.size != 0 && !parse_address(host.at, host.size, &f->host))
        return "the host's address is no IPv4 address; leave it out for all of the host's";
    if (!parse_port(host_port, &f->host_port))
        return "the host's port is no number from 1 to 65535";
    f->guest = t->dhcp_start;
    if (guest.size != 0 && !parse_address(guest.at, guest.size, &f->guest))
        return "the guest's address is no IPv4 address; leave it out for the first that DHCP gives";
    if (!is_inside(t, f->guest))
        return "the guest's address is not in the network";
    if (!parse_port(text, &f->guest_port))
        return "the guest's port is no number from 1 to 65535";
    return NULL;
}

static int32_t parse_forwards(struct net_user *s)
{
    struct user_settings *t = &s->settings;
    uint32_t n = 1;
    if (s->hostfwd == NULL || s->hostfwd[0] == '\0')
        return BP_OK;
    for (const char *at = s->hostfwd; *at != '\0'; at++)
        n += *at == ',';
    t->forwards = calloc(n, sizeof(*t->forwards));
    if (t->forwards == NULL)
        return s->host->set_error(s->host, BP_ERR_NO_MEMORY, "out of memory");
    const char *at = s->hostfwd;
    for (; t->n_forwards < n; t->n_forwards++) {
        struct item text = {at, strcspn(at, ",")};
        const char *wrong = text.size > ITEM_MAX
                                ? "it is too long"
                                : parse_forward(t, text, &t->forwards[t->n_forwards]);
        if (wrong != NULL)
            return bp_errorf(s->host, BP_ERR_INVALID, "hostfwd: item %u, \"%.*s\": %s",
                             t->n_forwards + 1, (int)(text.size > ITEM_MAX ? ITEM_MAX : text.size),
                             text.at, wrong);
        at += text.size + 1;
    }
    return BP_OK;
}

int32_t settings_parse(struct net_user *s)
{
    int32_t status = choose_addresses(s);
    return status == BP_OK ? parse_forwards(s) : status;
}

void settings_free(struct net_user *s)
{
    free(s->settings.forwards);
    s->settings.forwards = NULL;
    s->settings.n_forwards = 0;
}
