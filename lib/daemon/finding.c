/*
 * What the kernel's checks found in kexts, with the symbols that only kextd knows; kept
 * for whoever asks, across panics.
 */
#include <errno.h>
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/row.h"

#define FINDINGS_MAX 256u /* as many as one kernel tells of */

/* A place as the kernel wrote it, as a dictionary. */
static void put_place(struct row *row, const char *key, struct kernel *kernel,
		      const char *text)
{
	_cleanup_buffer_ struct buffer named = {0};
	struct row place = {kext_value_new_dictionary(), 0};
	int error = report_symbolicate(kernel, text, &named);
	buffer_u8(&named, 0);
	if (!place.value || error < 0 || buffer_error(&named))
		row->error = -ENOMEM;
	named.size -= named.size > 1; /* symbolicating ended the line */
	if (row->error < 0 || !text[0]) {
		kext_value_unref(place.value);
		return;
	}
	report_read_place(&place, (const char *)named.data);
	if (place.error < 0)
		row->error = place.error;
	put(row, key, place.value);
}

static struct kext_value *describe(struct kernel *kernel, struct bytes body)
{
	struct row row = {kext_value_new_dictionary(), 0};
	if (!row.value)
		return NULL;
	put_text(&row, "check", fields_text(body, FIELD_NAME));
	put_text(&row, "message", fields_text(body, FIELD_CAUSE));
	put_text(&row, "kext", fields_text(body, FIELD_IDENTIFIER));
	put_place(&row, "site", kernel, fields_text(body, FIELD_SITE));
	put_place(&row, "origin", kernel, fields_text(body, FIELD_ORIGIN));
	return row.error < 0 ? kext_value_unref(row.value) : row.value;
}

void finding_keep(struct kernel *kernel, struct bytes body)
{
	struct daemon *daemon = kernel->daemon;
	pthread_mutex_lock(&daemon->findings_lock);
	bool has_room = kext_value_count(daemon->findings) < FINDINGS_MAX;
	pthread_mutex_unlock(&daemon->findings_lock);
	struct kext_value *finding = has_room ? describe(kernel, body) : NULL;
	if (!finding)
		return;
	pthread_mutex_lock(&daemon->findings_lock);
	if (!daemon->findings)
		daemon->findings = kext_value_new_array();
	int error =
		daemon->findings ? kext_value_append(daemon->findings, finding) : -ENOMEM;
	pthread_mutex_unlock(&daemon->findings_lock);
	if (error < 0)
		daemon_log(daemon, "no memory for what a check found");
}

/* A copy: more may be found while the answer is being sent. */
int query_findings(struct request *request)
{
	struct daemon *daemon = request->daemon;
	struct kext_value *answer = kext_value_new_array();
	int error = answer ? 0 : -ENOMEM;
	pthread_mutex_lock(&daemon->findings_lock);
	for (size_t i = 0; error == 0 && i < kext_value_count(daemon->findings); i++)
		error = kext_value_append(
			answer, kext_value_ref(kext_value_at(daemon->findings, i)));
	pthread_mutex_unlock(&daemon->findings_lock);
	request->answer = error < 0 ? kext_value_unref(answer) : answer;
	return error;
}
