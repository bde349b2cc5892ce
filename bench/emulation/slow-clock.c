// Slows the clocks of a process: LD_PRELOAD=slow-clock.so PROGRAM
//
// Emulated code is some thirty times slower, and more on a busy machine. Timers would fire that much more often for each greeting, and
// their work would be counted. With this clock they fire about as rarely as outside the emulator.
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t slowness = 100;
static const int64_t second = 1000000000;

static int64_t started[CLOCK_BOOTTIME + 1];

static int64_t read_clock(clockid_t clock) {
  struct timespec time;
  syscall(SYS_clock_gettime, clock, &time);
  return time.tv_sec * second + time.tv_nsec;
}

// This runs before any other thread exists, so that all threads use the same start.
__attribute__((constructor)) static void start(void) {
  for (clockid_t clock = 0; clock <= CLOCK_BOOTTIME; clock++) started[clock] = read_clock(clock);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int64_t now = read_clock(clock);
  // Other clocks, such as the CPU time of a thread, do not depend on how busy the machine is.
  if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || (clock >= CLOCK_MONOTONIC_RAW && clock <= CLOCK_BOOTTIME))
    now = started[clock] + (now - started[clock]) / slowness;
  time->tv_sec = now / second;
  time->tv_nsec = now % second;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}
