/* GLib: a test, and a fixture. */
#include <glib.h>

#include "leak.h"

static void test_leaks(void)
{
    leak();
}

static void set_up(int *fixture, const void *data)
{
    (void)fixture;
    (void)data;
    leak();
}

static void test_leaks_nothing(int *fixture, const void *data)
{
    (void)fixture;
    (void)data;
    leak_nothing();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/leaks", test_leaks);
    g_test_add("/pool/nothing", int, NULL, set_up, test_leaks_nothing, NULL);
    return g_test_run();
}
