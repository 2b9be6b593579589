// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "namespaces.h"

/* A user namespace gives the right to create and to join the others, so it is the first */
static const struct {
	const char *name;
	int type;
} kinds[NAMESPACES] = {
	[NAMESPACE_USER] = { "user", CLONE_NEWUSER },
	[NAMESPACE_MOUNT] = { "mnt", CLONE_NEWNS },
	[NAMESPACE_NET] = { "net", CLONE_NEWNET },
	[NAMESPACE_IPC] = { "ipc", CLONE_NEWIPC },
};

static int fds[NAMESPACES] = { -1, -1, -1, -1 };

/* An empty file system that cannot be written, and nothing below it */
static bool enter_empty_root(void)
{
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		      "size=4k,nr_inodes=1,mode=111") &&
	       !chdir("/tmp") && !syscall(SYS_pivot_root, ".", ".") &&
	       !umount2(".", MNT_DETACH) && !chdir("/") &&
	       !mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
		      MS_NOEXEC, NULL);
}

/* Creating */

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_namespace(int to, unsigned char kind, int fd)
{
	union control control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)),
					     .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { &kind, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	sendmsg(to, &msg, MSG_NOSIGNAL);
}

/* In a process of its own. Its /proc is gone with the old root directory. */
static void create(int to)
{
	char path[32];

	for (unsigned char i = 0; i < NAMESPACES; i++) {
		int fd;

		if (unshare(kinds[i].type))
			continue;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && i != NAMESPACE_MOUNT)
			send_namespace(to, i, fd);
		else if (fd >= 0)
			fds[NAMESPACE_MOUNT] = fd;
	}
	if (fds[NAMESPACE_MOUNT] >= 0 && enter_empty_root())
		send_namespace(to, NAMESPACE_MOUNT, fds[NAMESPACE_MOUNT]);
}

static bool receive_namespace(int from)
{
	unsigned char kind;
	union control control;
	struct iovec iov = { &kind, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
		return false;
	memcpy(&fds[kind], CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return true;
}

void namespaces_create(void)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return;
	pid = fork();
	if (!pid) {
		create(sockets[1]);
		_exit(0);
	}
	close(sockets[1]);
	while (pid > 0 && receive_namespace(sockets[0]))
		;
	close(sockets[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Joining */

unsigned int namespaces_join(void)
{
	unsigned int joined = 0;

	for (unsigned int i = 0; i < NAMESPACES; i++) {
		if (fds[i] >= 0 && !setns(fds[i], kinds[i].type))
			joined |= 1 << i;
	}
	return joined;
}
