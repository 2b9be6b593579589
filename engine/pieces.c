// SPDX-License-Identifier: GPL-2.0-or-later
/* Mapped pieces of a command's data, and executing them */
#include "vgpu_engine.h"

/* Map the next *len bytes, or fewer; *len is how many */
static void *map(const struct vgpu_host *host, const struct vgpu_data *data, size_t *len,
		 bool is_write)
{
	*len = vgpu_data_contiguous(data, *len);
	if (data->bytes)
		return (void *)data->bytes;
	return host->map(host->opaque, data->segment->addr + data->offset, len, is_write);
}

static void unmap(const struct vgpu_host *host, const struct vgpu_data *data, void *at,
		  size_t len, bool is_write)
{
	if (at && !data->bytes)
		host->unmap(host->opaque, at, len, is_write);
}

/* Map the next piece, as long as it is contiguous on both sides */
static bool map_piece(const struct vgpu_host *host, struct vgpu_piece *piece,
		      struct vgpu_data *out, struct vgpu_data *in, size_t max)
{
	*piece = (struct vgpu_piece){ .len = max };
	if (out->left && !(piece->out = map(host, out, &piece->len, false)))
		return false;
	if (in->left && !(piece->in = map(host, in, &piece->len, true)))
		return false;
	if (piece->out)
		vgpu_data_advance(out, piece->len);
	if (piece->in)
		vgpu_data_advance(in, piece->len);
	return true;
}

bool vgpu_pieces_map(const struct vgpu_host *host, struct vgpu_pieces *pieces,
		     struct vgpu_data *out, struct vgpu_data *in, size_t max)
{
	while (max && (out->left || in->left) && pieces->count < VGPU_PIECES_MAX) {
		struct vgpu_piece *piece = &pieces->pieces[pieces->count++];

		if (!map_piece(host, piece, out, in, max))
			return false;
		max -= piece->len;
	}
	return true;
}

void vgpu_pieces_unmap(const struct vgpu_host *host, struct vgpu_pieces *pieces,
		       const struct vgpu_data *out, const struct vgpu_data *in)
{
	for (unsigned int i = 0; i < pieces->count; i++) {
		struct vgpu_piece *piece = &pieces->pieces[i];

		unmap(host, out, piece->out, piece->len, false);
		unmap(host, in, piece->in, piece->len, true);
	}
	pieces->count = 0;
}

void vgpu_job_begin(struct vgpu_job *job, unsigned int opcode, uint64_t arg)
{
	*job = (struct vgpu_job){ .opcode = opcode, .arg = arg, .state = arg };
}

void vgpu_job_execute(const struct vgpu_backend *backend, struct vgpu_job *job,
		      const void *from, void *to, size_t len)
{
	backend->execute(job, from, to, len);
	job->done += len;
}

void vgpu_pieces_execute(const struct vgpu_pieces *pieces, const struct vgpu_backend *backend,
			 struct vgpu_job *job)
{
	for (unsigned int i = 0; i < pieces->count; i++) {
		const struct vgpu_piece *piece = &pieces->pieces[i];

		vgpu_job_execute(backend, job, piece->out, piece->in, piece->len);
	}
}
