/*
 * Kernel events: who is their vendor, and that they are posted. No client listens for
 * them here; each leaves a line in the log.
 */
#include <string.h>
#include "kernel/bsd/mbuf.h"

enum { VECTORS = 5, PAYLOAD_MAX = 200 };

struct kev_msg {
	uint32_t vendor, class, subclass, code;
	struct {
		uint32_t size;
		const void *data;
	} parts[VECTORS];
};

int kev_vendor_code_find(const char *name, uint32_t *ret_code);
int kev_msg_post(const struct kev_msg *message);
int kev_post_msg(const struct kev_msg *message);

int kev_vendor_code_find(const char *name, uint32_t *ret_code)
{
	return net_string_id(name, ret_code);
}
KPI(kev_vendor_code_find);

/* From anybody, Apple (vendor 1) included. */
int kev_post_msg(const struct kev_msg *message)
{
	size_t total = 0;

	if (!message)
		return XNU_EINVAL;
	for (int i = 0; i < VECTORS && message->parts[i].size; i++)
		total += message->parts[i].size;
	if (total > PAYLOAD_MAX)
		return XNU_EMSGSIZE;
	kernel_log(
		"kernel event: vendor %u, class %u, subclass %u, code %u, %zu byte(s)\n",
		message->vendor, message->class, message->subclass, message->code, total);
	return 0;
}
KPI(kev_post_msg);

int kev_msg_post(const struct kev_msg *message)
{
	return message && net_string_is_known(message->vendor) ? kev_post_msg(message)
							       : XNU_EINVAL;
}
KPI(kev_msg_post);
