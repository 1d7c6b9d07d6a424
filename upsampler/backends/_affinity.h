/* Where a helper thread runs: not on the core of the thread that wakes it.
 *
 * Linux wakes a thread where it ran last, or beside its waker, even where another core has nothing
 * to do; it took some ten milliseconds to move one of the two.  Measured on a virtual machine of two
 * cores, kernel 6.18, with a convolution of 9 ms on one thread: 5.5 ms on two as long as calls
 * followed each other closely, but 9.5 to 10.3 ms after pauses of 20 ms and more, as both threads
 * ran on one core from beginning to end in 53 of 60 such calls.  With the waker's core forbidden:
 * 6.1 to 6.8 ms, and one or two microseconds more for a call that is short.
 *
 * The rest is left to the system, which knows what else runs.  Tried: allowing a helper its waker's
 * core again as soon as it runs (4 to 8 us more a call, no gain); forbidding it only to helpers that
 * ran there last or rested long (every third call still had one core, as a call may be made of
 * several jobs, and between two of them the system moved the helper back).
 *
 * Elsewhere than on Linux all of this does nothing.
 */
#ifndef UPSAMPLER_AFFINITY_H
#define UPSAMPLER_AFFINITY_H

#if defined(__linux__) && defined(_GNU_SOURCE)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef cpu_set_t cores_t;

static inline long this_thread(void) { return syscall(SYS_gettid); }

/* The cores for helpers of the calling thread: its own, but for the one that it runs on.  None
 * where the system does not tell. */
static inline void cores_for_helpers(cores_t *cores)
{
    const int core = sched_getcpu();
    cores_t left;
    if (sched_getaffinity(0, sizeof *cores, cores) != 0)
        CPU_ZERO(cores);
    left = *cores;
    if (core >= 0 && core < CPU_SETSIZE)
        CPU_CLR(core, &left);
    if (CPU_COUNT(&left))
        *cores = left;
}

/* `now` is where the thread may run so far. */
static inline void confine(long thread, cores_t *now, const cores_t *cores)
{
    if (thread && !CPU_EQUAL(now, cores) && CPU_COUNT(cores)) {
        sched_setaffinity((pid_t)thread, sizeof *cores, cores);
        *now = *cores;
    }
}
#else
typedef int cores_t;
static inline long this_thread(void) { return 0; }
static inline void cores_for_helpers(cores_t *cores) { *cores = 0; }
static inline void confine(long thread, cores_t *now, const cores_t *cores)
{
    (void)thread, (void)now, (void)cores;
}
#endif

#endif
