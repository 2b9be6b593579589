// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <sys/socket.h>
#include "send.h"

void send_bytes(int fd, const void *bytes, size_t length, const int *fds, size_t count)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(SEND_FDS_MAX * sizeof(int))];
	} control = { .align = { .cmsg_len = CMSG_LEN(count * sizeof(int)),
				 .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)bytes, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	sendmsg(fd, &msg, MSG_NOSIGNAL);
}
