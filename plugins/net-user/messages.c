/*
 * The library speaks through GLib's log, which goes to standard error. Here it goes to the host's,
 * as the guest's doing, which is limited in rate: nearly all it says is about a guest's frames.
 *
 * GLib's handlers belong to the process: with several networks the last one made hears of all. They
 * are declared here because Debian's libslirp-dev comes without GLib's headers; the two have been
 * the same in all of GLib 2.
 */
#include "net-user.h"

#include <stdio.h>

typedef void (*glib_log_fn)(const char *domain, int level, const char *message, void *user);
unsigned g_log_set_handler(const char *domain, int levels, glib_log_fn fn, void *user);
void g_log_remove_handler(const char *domain, unsigned handler);

#define DOMAIN       "Slirp"
#define LEVELS_ALL   (~3) /* G_LOG_LEVEL_MASK */
#define FLAGS_FATAL  2    /* G_LOG_FLAG_FATAL */
#define LEVEL_DETAIL 0xf0 /* message, info, debug */

static void on_message(const char *domain, int level, const char *message, void *user)
{
    const struct net_user *s = user;
    char line[200];
    (void)domain;
    if ((level & LEVEL_DETAIL) != 0)
        return;
    (void)snprintf(line, sizeof(line), "libslirp: %s", message != NULL ? message : "");
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    s->host->log(s->host, (level & FLAGS_FATAL) != 0 ? BP_LOG_ERROR : BP_LOG_GUEST, line);
}

void messages_catch(struct net_user *s)
{
    s->log_handler = g_log_set_handler(DOMAIN, LEVELS_ALL | FLAGS_FATAL, on_message, s);
}

void messages_release(struct net_user *s)
{
    if (s->log_handler != 0)
        g_log_remove_handler(DOMAIN, s->log_handler);
    s->log_handler = 0;
}
