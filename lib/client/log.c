/* The kernel's log and kextd's own state, asked for by a client. */
#include <errno.h>
#include "base/memory.h"
#include "client/client.h"

int kext_client_log(struct kext_client *client, uint64_t *position, bool wait,
		    char **ret_text)
{
	struct kext_value *arguments = kext_value_new_dictionary();
	struct kext_value *answer = NULL;
	int error = arguments ? kext_value_set(arguments, KEY_POSITION,
					       kext_value_new_integer(*position, 64))
			      : -ENOMEM;
	if (error == 0)
		error = kext_value_set(arguments, KEY_WAIT, kext_value_new_boolean(wait));
	if (error < 0) {
		kext_value_unref(arguments);
		return error;
	}
	error = client_call(client, PREDICATE_LOG, arguments, -1, NULL, &answer, NULL);
	if (error < 0)
		return error;
	size_t size = 0;
	const void *data = kext_value_data(kext_value_get(answer, KEY_VALUE), &size);
	char *text = mem_string_n(data ? data : "", size);
	if (text) {
		*position = kext_value_integer(kext_value_get(answer, KEY_POSITION));
		*ret_text = text;
	}
	kext_value_unref(answer);
	return text ? 0 : -ENOMEM;
}

static int ask(struct kext_client *client, const char *predicate, struct kext_value **ret)
{
	struct kext_value *answer = NULL;
	int error = client_call(client, predicate, kext_value_new_dictionary(), -1, NULL,
				&answer, NULL);
	if (error == 0 && !answer)
		return KEXT_ERR_PROTOCOL;
	if (error == 0)
		*ret = answer;
	return error;
}

int kext_client_status(struct kext_client *client, struct kext_value **ret_status)
{
	return ask(client, PREDICATE_STATUS, ret_status);
}

int kext_client_findings(struct kext_client *client, struct kext_value **ret_findings)
{
	return ask(client, PREDICATE_FINDINGS, ret_findings);
}

int kext_client_shutdown(struct kext_client *client)
{
	return client_call(client, PREDICATE_SHUTDOWN, kext_value_new_dictionary(), -1,
			   NULL, NULL, NULL);
}

int kext_client_restart(struct kext_client *client)
{
	return client_call(client, PREDICATE_RESTART, kext_value_new_dictionary(), -1,
			   NULL, NULL, NULL);
}
