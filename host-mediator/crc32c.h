/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of RFC 3720 of bytes that follow those with the checksum @crc, or 0 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
