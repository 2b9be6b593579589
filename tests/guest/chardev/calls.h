/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of /dev/vgpu_stub<n>, and how the test program reports
 *
 * Uses nothing of the project but the uapi header and the device's interface.
 */
#ifndef CALLS_H
#define CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vgpu_stub_ioctl.h"
#include "vgpu_stub_queue.h"

#define READ_WRITE (VGPU_STUB_BUFFER_DEVICE_READ | VGPU_STUB_BUFFER_DEVICE_WRITE)
#define SECOND 1000000000LL

struct buffer {
	__u32 handle;
	__u64 length;
	unsigned char *data;
};

extern const char *device;

/* One line of TAP for each; the test in Perl counts them */
bool check(bool good, const char *what, ...) __attribute__((format(printf, 2, 3)));
/* ret of a system call: it failed with this errno, or (0) it did not */
bool check_errno(int ret, int expected, const char *what);
/* End the program where going on makes no sense */
void must(bool good, const char *what);

int open_device(void);
int create(int fd, struct vgpu_stub_buffer *args);
struct buffer make_buffer(int fd, __u64 length);
int destroy(int fd, __u32 handle);
int submit(int fd, struct vgpu_stub_command *commands, __u32 count, __u32 *submitted);
int submit_one(int fd, struct vgpu_stub_command command);
/* Returns the number of completions, or -1 */
int wait_for(int fd, struct vgpu_stub_completion *done, __u32 min, __u32 max, __s64 timeout);
int set_eventfd(int fd, int event);
struct vgpu_stub_operand part(struct buffer buffer, __u64 offset, __u64 length);
/* Submit, wait, return the status; -1 where a call failed */
int run(int fd, struct vgpu_stub_command command, __u64 *result);
/* Nanoseconds of a clock that is not set */
__u64 now(void);
/* The shortest first */
void sort_times(__u64 *times, size_t count);

/* The program's commands */
void test_info(void);
void test_errors(void);
void test_work(void);
void test_events(void);
void test_limits(void);
void test_uring(void);
void test_pair(void);
void test_bounce(void);
void test_random(void);
void test_failing(void);
void keep_busy(void);
void outlive(void);
void keep_full(void);
void now_and_then(void);
void wait_idle(void);
void measure(void);

#endif
