// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the checks of the registers that only a device with queues has
 */
#include "check.h"

CHECK_FUNCTION(check_queue_version)
{
	uint32_t version = device->registers.value[REG_VERSION];

	(void)check;
	found(finding, version >= VGPU_STUB_VERSION_QUEUES ? RESULT_PASS :
	      RESULT_FAIL, "0x%08x", version);
}

/* MSI-X has one vector more than queues; its field has that number minus 1 */
CHECK_FUNCTION(check_queue_count)
{
	uint32_t count = device->registers.value[REG_QUEUES];
	int control = msix_control(device);
	unsigned int size = control & PCI_MSIX_TABSIZE;

	(void)check;
	if (count < 1 || count > VGPU_STUB_QUEUES_MAX)
		return found(finding, RESULT_FAIL, "%u", count);
	if (control < 0)
		return found(finding, RESULT_UNKNOWN,
			     "%u, and MSI-X is not readable", count);
	found(finding, size == count ? RESULT_PASS : RESULT_FAIL,
	      "%u, and %u vectors", count, size + 1);
}

CHECK_FUNCTION(check_vector_count)
{
	const uint32_t *value = device->registers.value;

	(void)check;
	found(finding, value[REG_VECTORS] == value[REG_QUEUES] + 1 ?
	      RESULT_PASS : RESULT_FAIL, "%u, and %u queues",
	      value[REG_VECTORS], value[REG_QUEUES]);
}

static void set_place(struct finding *finding, unsigned int queue)
{
	finding->offset = VGPU_STUB_WIN_QUEUE + queue * VGPU_STUB_QUEUE_STRIDE +
			  VGPU_STUB_QUEUE_STATUS;
}

static unsigned int state_of(uint32_t status)
{
	return status & VGPU_STUB_QUEUE_STATE_MASK;
}

static unsigned int error_of(uint32_t status)
{
	return (status & VGPU_STUB_QUEUE_ERROR_MASK) >>
	       VGPU_STUB_QUEUE_ERROR_SHIFT;
}

const char *queue_state_name(uint32_t status)
{
	static const char *const names[] = {
		[VGPU_STUB_QUEUE_DISABLED] = "disabled",
		[VGPU_STUB_QUEUE_RUNNING] = "running",
		[VGPU_STUB_QUEUE_STOPPING] = "stopping",
		[VGPU_STUB_QUEUE_ERROR] = "error",
	};

	return state_of(status) < ARRAY_SIZE(names) ? names[state_of(status)] :
						      "unknown";
}

/* "" if there is none */
const char *queue_error_name(uint32_t status)
{
	static const char *const names[] = {
		[VGPU_STUB_QERR_NONE] = "",
		[VGPU_STUB_QERR_SIZE] = "size",
		[VGPU_STUB_QERR_ADDRESS] = "address",
		[VGPU_STUB_QERR_VECTOR] = "vector",
		[VGPU_STUB_QERR_DMA] = "DMA fault",
		[VGPU_STUB_QERR_SQ_TAIL] = "SQ_TAIL",
		[VGPU_STUB_QERR_CQ_HEAD] = "CQ_HEAD",
		[VGPU_STUB_QERR_BACKEND] = "mediator",
	};

	return error_of(status) < ARRAY_SIZE(names) ? names[error_of(status)] :
						      "unknown";
}

/* Only the state ERROR has an error */
static bool is_sound(uint32_t status)
{
	unsigned int error = error_of(status);

	if (status & ~(VGPU_STUB_QUEUE_STATE_MASK | VGPU_STUB_QUEUE_ERROR_MASK))
		return false;
	if (state_of(status) == VGPU_STUB_QUEUE_ERROR)
		return error && error <= VGPU_STUB_QERR_BACKEND;
	return state_of(status) < VGPU_STUB_QUEUE_ERROR && !error;
}

CHECK_FUNCTION(check_queue_states)
{
	const struct registers *regs = &device->registers;

	(void)check;
	for (unsigned int n = 0; n < regs->queue_count; n++) {
		if (is_sound(regs->queues[n].status))
			continue;
		set_place(finding, n);
		return found(finding, RESULT_FAIL, "queue %u: 0x%08x", n,
			     regs->queues[n].status);
	}
	found(finding, RESULT_PASS, "%u %s", regs->queue_count,
	      regs->queue_count == 1 ? "queue" : "queues");
}

CHECK_FUNCTION(check_queue_errors)
{
	const struct registers *regs = &device->registers;

	(void)check;
	for (unsigned int n = 0; n < regs->queue_count; n++) {
		uint32_t status = regs->queues[n].status;

		if (state_of(status) != VGPU_STUB_QUEUE_ERROR)
			continue;
		set_place(finding, n);
		return found(finding, RESULT_FAIL, "queue %u: error %u (%s)", n,
			     error_of(status), queue_error_name(status));
	}
	found(finding, RESULT_PASS, "none");
}
