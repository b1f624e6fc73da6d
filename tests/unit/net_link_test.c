/* bp.net/1 between a real device and a real backend: what the host carries across, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "plugin/device.h"
#include "plugin/host_tables.h"

/* --- A card and what it is plugged into ------------------------------------------------------- */

struct socket_end {
    int32_t answer; /* to read and write */
    uint32_t n_written;
    uint32_t last_size;
};

static int32_t end_info(void *dev, struct bp_net_info *out)
{
    (void)dev;
    out->flags = BP_NET_LINK_UP;
    out->mtu = 1500;
    memcpy(out->mac, "\2\1\2\3\4\5", 6);
    return BP_OK;
}

static int32_t end_read(void *dev, void *frame, uint32_t room)
{
    const struct socket_end *s = dev;
    memset(frame, 'r', room < 100 ? room : 100);
    return s->answer;
}

static int32_t end_write(void *dev, const void *frame, uint32_t size)
{
    struct socket_end *s = dev;
    (void)frame;
    s->n_written++;
    s->last_size = size;
    return s->answer;
}

static const struct bp_net_ops ops = {
    .struct_size = sizeof(ops), .info = end_info, .read = end_read, .write = end_write};
static const struct bp_net_ops half = {.struct_size = sizeof(half), .info = end_info};
static const struct bp_service services[] = {{BP_NET_ID, &ops}};
static const struct bp_service half_services[] = {{BP_NET_ID, &half}};
static const struct bp_link links[] = {{"net", BP_NET_ID, "A network.", 0, 0}};

static const struct bp_class card_class = {.struct_size = sizeof(struct bp_class),
                                           .id = "card",
                                           .version = "1.0",
                                           .summary = "a card",
                                           .links = BP_TABLE(links)};
static const struct bp_class end_class = {.struct_size = sizeof(struct bp_class),
                                          .flags = BP_CLASS_BACKEND,
                                          .id = "end",
                                          .version = "1.0",
                                          .summary = "a network",
                                          .instance_size = sizeof(struct socket_end),
                                          .services = BP_TABLE(services)};
static const struct bp_class half_class = {.struct_size = sizeof(struct bp_class),
                                           .flags = BP_CLASS_BACKEND,
                                           .id = "half",
                                           .version = "1.0",
                                           .summary = "a network that is not finished",
                                           .services = BP_TABLE(half_services)};

static struct device *card, *second, *end;

static struct device *make(const struct bp_class *class_, const char *name)
{
    struct device *made = NULL;
    assert_int_equal(device_new(class_, name, 1, 10000000, &made, NULL), BP_OK);
    return made;
}

static int setup(void **state)
{
    (void)state;
    card = make(&card_class, "nic");
    second = make(&card_class, "nic2");
    end = make(&end_class, "lan");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(card);
    device_destroy(second);
    device_destroy(end);
    return 0;
}

static struct socket_end *plug_in(void)
{
    struct err err;
    assert_int_equal(device_connect(card, 0, end, &err), BP_OK);
    return end->instance;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static uint8_t frame[BP_NET_FRAME_MAX + 1];

static void a_cable_that_is_out_takes_everything_and_gives_nothing(void **state)
{
    struct bp_net_info info = {.struct_size = sizeof(info)};
    (void)state;
    assert_int_equal(host_net.info(&card->host, 0, &info), BP_ERR_NOT_FOUND);
    assert_int_equal(host_net.read(&card->host, 0, frame, sizeof(frame)), 0);
    assert_int_equal(host_net.write(&card->host, 0, frame, 60), BP_OK);
    assert_int_equal(host_net.write(&card->host, UINT32_MAX, frame, 60), BP_OK);
}

static void the_backends_word_reaches_the_device(void **state)
{
    struct bp_net_info info = {.struct_size = sizeof(info)};
    (void)state;
    struct socket_end *s = plug_in();
    assert_int_equal(host_net.info(&card->host, 0, &info), BP_OK);
    assert_int_equal(info.mtu, 1500);
    assert_int_equal(info.flags, BP_NET_LINK_UP);
    assert_memory_equal(info.mac, "\2\1\2\3\4\5", 6);
    info.struct_size = 8;
    assert_int_equal(host_net.info(&card->host, 0, &info), BP_ERR_INVALID);
    s->answer = 60;
    assert_int_equal(host_net.read(&card->host, 0, frame, sizeof(frame)), 60);
    assert_int_equal(frame[59], 'r');
    s->answer = BP_ERR_BUSY;
    assert_int_equal(host_net.write(&card->host, 0, frame, 60), BP_ERR_BUSY);
    s->answer = BP_OK;
    assert_int_equal(host_net.write(&card->host, 0, frame, 60), BP_OK);
    assert_int_equal(s->n_written, 2);
}

static void sizes_that_no_frame_has_go_neither_way(void **state)
{
    static const int32_t wrong[] = {-1, 1, 13, BP_NET_FRAME_MAX + 1, INT32_MIN, INT32_MAX};
    (void)state;
    struct socket_end *s = plug_in();
    assert_int_equal(host_net.write(&card->host, 0, frame, 0), BP_ERR_RANGE);
    assert_int_equal(host_net.write(&card->host, 0, frame, 13), BP_ERR_RANGE);
    assert_int_equal(host_net.write(&card->host, 0, frame, BP_NET_FRAME_MAX + 1), BP_ERR_RANGE);
    assert_int_equal(s->n_written, 0);
    assert_int_equal(host_net.write(&card->host, 0, frame, BP_NET_FRAME_MAX), BP_OK);
    assert_int_equal(s->last_size, BP_NET_FRAME_MAX);
    assert_int_equal(host_net.read(&card->host, 0, frame, BP_NET_FRAME_MAX - 1), BP_ERR_INVALID);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        s->answer = wrong[i];
        assert_int_equal(host_net.read(&card->host, 0, frame, BP_NET_FRAME_MAX), 0);
    }
}

static void a_backend_that_is_not_finished_is_like_no_cable(void **state)
{
    struct bp_net_info info = {.struct_size = sizeof(info)};
    struct err err;
    (void)state;
    struct device *unfinished = make(&half_class, "half");
    assert_int_equal(device_connect(second, 0, unfinished, &err), BP_OK);
    assert_int_equal(host_net.info(&second->host, 0, &info), BP_ERR_UNSUPPORTED);
    assert_int_equal(host_net.read(&second->host, 0, frame, sizeof(frame)), 0);
    assert_int_equal(host_net.write(&second->host, 0, frame, 60), BP_OK);
    device_destroy(second);
    device_destroy(unfinished);
    second = NULL;
}

static void a_cable_has_two_ends(void **state)
{
    struct err err = {{0}};
    (void)state;
    (void)plug_in();
    assert_int_equal(device_connect(second, 0, end, &err), BP_ERR_EXISTS);
    assert_string_equal(err.text, "net = lan: that is at the other end of nic already: give this "
                                  "one a [backend] of its own");
    device_destroy(card); /* pulled out: now there is room */
    card = NULL;
    assert_int_equal(device_connect(second, 0, end, &err), BP_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_cable_that_is_out_takes_everything_and_gives_nothing),
        T(the_backends_word_reaches_the_device),
        T(sizes_that_no_frame_has_go_neither_way),
        T(a_backend_that_is_not_finished_is_like_no_cable),
        T(a_cable_has_two_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
