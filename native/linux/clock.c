/* Clocks: events have the monotonic one, lines the wall's; the difference is looked up again for every batch. */
#include "es_linux.h"

#include <time.h>

#define SECOND 1000000000

static int64_t wall; /* what to add to the monotonic clock */

static int64_t read_clock(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return t.tv_sec * (int64_t)SECOND + t.tv_nsec;
}

uint64_t now(void)
{
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

void clock_look(void)
{
    int64_t before = read_clock(CLOCK_MONOTONIC), real = read_clock(CLOCK_REALTIME);
    int64_t fresh = real - before;
    /* Two readings are never at the same moment: only a real change counts, or times would jitter. */
    if (fresh - wall > 50000 || wall - fresh > 50000)
        wall = fresh;
}

int64_t real_time(uint64_t when)
{
    int64_t t = (int64_t)when + wall;
    return t < 0 ? 0 : t;
}

int64_t boot_time(uint64_t since_boot_ns)
{
    int64_t t = (int64_t)since_boot_ns + read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
    return t < 0 ? 0 : t;
}
