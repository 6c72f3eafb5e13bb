/*
 * What the bench does inside its machine. Statically linked, so that it works whatever the rows do to the system.
 *   bench edges CHIP PORT                     reads the chip's lines every 4 ms, writes every edge
 *   bench camera DEVICE WIDTH HEIGHT FPS SCENES CONTROL   writes the scene that CONTROL names to a v4l2loopback device
 *   bench kill SIGNAL CGROUP...               signals every process of the control groups, prints when
 *   bench cut FILE WORD                       resets the machine, nothing written back, as soon as FILE holds WORD
 *   bench now                                 prints the time
 * All times are CLOCK_MONOTONIC in ns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/videodev2.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Every look costs the emulated processor what it knew of all addresses: at 1 ms that was a third of the bench's whole time. */
enum { LINES = 8, READ_EVERY_NS = 4000000, ALIVE_EVERY_NS = 200000000 };

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns) {
  struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_or_die(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) die(path);
  return fd;
}

/* Opens as soon as the path is there. */
static int open_when_there(const char *path, int flags) {
  int fd;
  while ((fd = open(path, flags | O_CLOEXEC)) < 0 && errno == ENOENT) usleep(1000);
  if (fd < 0) die(path);
  return fd;
}

/* Lines to the host: "B ns boot-id" at the start, "V ns line level" for every edge, "A ns longest-ns" for the longest time without a look. */
_Noreturn static void edges(const char *chip, const char *port) {
  char path[300], boot[40] = "";
  int value[LINES], last[LINES];
  for (int n = 0; n < LINES; n++) {
    snprintf(path, sizeof path, "%s/sim_gpio%d/value", chip, n);
    value[n] = open_or_die(path, O_RDONLY);
    last[n] = -1;
  }
  int id = open_or_die("/proc/sys/kernel/random/boot_id", O_RDONLY);
  if (read(id, boot, 36) != 36) die("boot_id");
  int out = open_when_there(port, O_WRONLY);
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) die("mlockall");
  dprintf(out, "B %" PRIu64 " %s\n", now_ns(), boot);
  uint64_t next = now_ns(), looked = next, alive = next, longest = 0;
  for (;;) {
    char level;
    for (int n = 0; n < LINES; n++) {
      if (pread(value[n], &level, 1, 0) != 1 || level == last[n]) continue;
      last[n] = level;
      dprintf(out, "V %" PRIu64 " %d %c\n", now_ns(), n, level);
    }
    uint64_t now = now_ns();
    if (now - looked > longest) longest = now - looked;
    looked = now;
    if (now - alive >= ALIVE_EVERY_NS) {
      dprintf(out, "A %" PRIu64 " %" PRIu64 "\n", now, longest);
      alive = now;
      longest = 0;
    }
    next += READ_EVERY_NS;
    if (next < now) next = now;
    sleep_until(next);
  }
}

static void set_format(int device, unsigned width, unsigned height) {
  struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
  format.fmt.pix.width = width;
  format.fmt.pix.height = height;
  format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
  format.fmt.pix.sizeimage = width * height * 2;
  format.fmt.pix.bytesperline = width * 2;
  format.fmt.pix.field = V4L2_FIELD_NONE;
  if (ioctl(device, VIDIOC_S_FMT, &format) < 0) die("VIDIOC_S_FMT");
}

static void read_word(const char *path, char *word, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, word, size - 1);
  if (fd >= 0) close(fd);
  word[got > 0 ? got : 0] = 0;
  word[strcspn(word, "\n")] = 0;
}

/* A scene is the file SCENES/NAME.yuyv of whole frames, shown in a loop; "silent" shows nothing, "frozen" the last frame again and again. */
_Noreturn static void camera(char **arg) {
  unsigned width = (unsigned)atoi(arg[1]), height = (unsigned)atoi(arg[2]), fps = (unsigned)atoi(arg[3]);
  size_t bytes = (size_t)width * height * 2;
  unsigned char *frame = calloc(1, bytes);
  int device = open_or_die(arg[0], O_RDWR), file = -1;
  set_format(device, width, height);
  char shown[64] = "", wanted[64], path[300];
  off_t turn = 0;
  for (uint64_t next = now_ns();; next += 1000000000u / fps, sleep_until(next)) {
    read_word(arg[5], wanted, sizeof wanted);
    if (strcmp(wanted, "silent") == 0) continue;
    if (wanted[0] && strcmp(wanted, "frozen") != 0 && strcmp(wanted, shown) != 0) {
      snprintf(path, sizeof path, "%s/%s.yuyv", arg[4], wanted);
      if (file >= 0) close(file);
      file = open_or_die(path, O_RDONLY);
      strcpy(shown, wanted);
      turn = 0;
    }
    if (strcmp(wanted, "frozen") != 0 && pread(file, frame, bytes, turn++ * (off_t)bytes) != (ssize_t)bytes) {
      turn = 1;
      if (pread(file, frame, bytes, 0) != (ssize_t)bytes) die(path);
    }
    if (write(device, frame, bytes) != (ssize_t)bytes) die(arg[0]);
  }
}

/* Prints "ns pid..." of one round of signals. */
static int kill_all(int signal_number, char **groups) {
  char path[400], pids[4096] = "";
  uint64_t at = now_ns();
  for (; *groups; groups++) {
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cgroup.procs", *groups);
    FILE *procs = fopen(path, "re");
    if (!procs) continue;
    int pid;
    while (fscanf(procs, "%d", &pid) == 1) {
      if (kill(pid, signal_number) != 0) continue;
      snprintf(pids + strlen(pids), sizeof pids - strlen(pids), " %d", pid);
    }
    fclose(procs);
  }
  printf("%" PRIu64 "%s\n", at, pids);
  return pids[0] ? 0 : 1;
}

/* FILE is replaced by renaming another one over it. Runs before everybody else, so that the writer has done nothing more by then. */
_Noreturn static void cut(const char *file, const char *word) {
  char folder[300], text[512], event[4096];
  snprintf(folder, sizeof folder, "%s", file);
  char *slash = strrchr(folder, '/');
  if (!slash) die(file);
  *slash = 0;
  struct sched_param first = {.sched_priority = 80};
  if (sched_setscheduler(0, SCHED_FIFO, &first) != 0) die("sched_setscheduler");
  int reset = open_or_die("/proc/sysrq-trigger", O_WRONLY), watch = inotify_init1(IN_CLOEXEC);
  if (watch < 0 || inotify_add_watch(watch, folder, IN_MOVED_TO) < 0) die(folder);
  do {
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[got > 0 ? got : 0] = 0;
    if (strstr(text, word) && write(reset, "b", 1) != 1) die("sysrq");
  } while (read(watch, event, sizeof event) > 0);
  die(folder);
  exit(1);
}

int main(int count, char **arg) {
  signal(SIGPIPE, SIG_IGN);
  if (count == 4 && strcmp(arg[1], "edges") == 0) edges(arg[2], arg[3]);
  if (count == 8 && strcmp(arg[1], "camera") == 0) camera(arg + 2);
  if (count >= 4 && strcmp(arg[1], "kill") == 0) return kill_all(atoi(arg[2]), arg + 3);
  if (count == 4 && strcmp(arg[1], "cut") == 0) cut(arg[2], arg[3]);
  if (count == 2 && strcmp(arg[1], "now") == 0) return printf("%" PRIu64 "\n", now_ns()) < 0;
  fputs("bench edges | camera | kill | cut | now\n", stderr);
  return 2;
}
