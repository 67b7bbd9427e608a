/*
 * Kernel controls: what kexts offer to clients by a name. Names and numbers are kept and
 * judged as in Darwin; no client can connect yet, so that no unit exists to send to.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/mbuf.h"
#include "kernel/bsd/registry.h"

enum { NAME_SIZE = 96, FLAG_UNIT = 2, SEND_SIZE = 2048, RECEIVE_SIZE = 8192 };

/* What a kext hands in; some of it is answered. */
struct kern_ctl_reg {
	char name[NAME_SIZE];
	uint32_t id, unit, flags, send_size, receive_size;
	const void *connect, *disconnect, *send, *setopt, *getopt;
};
_Static_assert(sizeof(struct kern_ctl_reg) == 160, "kern_ctl_reg");

struct control {
	struct registration registration;
	struct kern_ctl_reg content;
};

int ctl_register(struct kern_ctl_reg *request, struct control **ret_control);
int ctl_deregister(struct control *control);
int ctl_enqueuedata(struct control *control, uint32_t unit, const void *data, size_t size,
		    uint32_t flags);
int ctl_enqueuembuf(struct control *control, uint32_t unit, struct mbuf *m,
		    uint32_t flags);
int ctl_getenqueuespace(struct control *control, uint32_t unit, size_t *ret_space);

static uint32_t last_id;

static struct control *next_control(const struct control *after)
{
	return (struct control *)registry_next(after ? &after->registration : NULL,
					       REGISTRY_CONTROL);
}

/* Controls with numbers of their own are told apart by them, others by name. */
static bool is_taken(const struct kern_ctl_reg *wanted)
{
	for (struct control *c = next_control(NULL); c; c = next_control(c)) {
		bool is_same = wanted->flags & FLAG_UNIT
				       ? c->content.id == wanted->id &&
						 c->content.unit == wanted->unit
				       : strcmp(c->content.name, wanted->name) == 0;
		if (is_same)
			return true;
	}
	return false;
}

static bool is_id_used(uint32_t id)
{
	for (struct control *c = next_control(NULL); c; c = next_control(c)) {
		if (c->content.id == id)
			return true;
	}
	return false;
}

static void complete(struct kern_ctl_reg *content)
{
	if (!(content->flags & FLAG_UNIT)) {
		do
			last_id++;
		while (last_id == 0 || is_id_used(last_id));
		content->id = last_id;
		content->unit = UINT32_MAX;
	}
	if (!content->send_size)
		content->send_size = SEND_SIZE;
	if (!content->receive_size)
		content->receive_size = RECEIVE_SIZE;
}

int ctl_register(struct kern_ctl_reg *request, struct control **ret_control)
{
	struct control *control;
	int error = 0;

	if (!request || !ret_control || !request->connect || !request->name[0] ||
	    strnlen(request->name, NAME_SIZE) == NAME_SIZE)
		return XNU_EINVAL;
	control = mem_zero(1, sizeof(*control));
	if (!control)
		return XNU_ENOMEM;
	registry_lock();
	if (is_taken(request)) {
		error = XNU_EEXIST;
	} else {
		complete(request);
		control->content = *request;
		control->registration.kind = REGISTRY_CONTROL;
		control->registration.code = request->connect;
		registry_insert(&control->registration);
	}
	registry_unlock();
	if (error)
		free(control);
	else
		*ret_control = control;
	return error;
}
KPI(ctl_register);

int ctl_deregister(struct control *control)
{
	bool is_ours;

	registry_lock();
	is_ours = registry_take(control, REGISTRY_CONTROL);
	registry_unlock();
	if (is_ours)
		free(control);
	return is_ours ? 0 : XNU_EINVAL;
}
KPI(ctl_deregister);

int ctl_enqueuedata(struct control *control, uint32_t unit, const void *data, size_t size,
		    uint32_t flags)
{
	(void)control, (void)unit, (void)data, (void)size, (void)flags;
	return XNU_EINVAL;
}
KPI(ctl_enqueuedata);

/* The packet stays the caller's, as at every failure. */
int ctl_enqueuembuf(struct control *control, uint32_t unit, struct mbuf *m,
		    uint32_t flags)
{
	(void)control, (void)unit, (void)m, (void)flags;
	return XNU_EINVAL;
}
KPI(ctl_enqueuembuf);

int ctl_getenqueuespace(struct control *control, uint32_t unit, size_t *ret_space)
{
	(void)control, (void)unit, (void)ret_space;
	return XNU_EINVAL;
}
KPI(ctl_getenqueuespace);
