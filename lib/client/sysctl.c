/* Sysctls of the userland kernel, by name. */
#include <errno.h>
#include <stdio.h>
#include "base/memory.h"
#include "client/client.h"

static int read_answer(const struct kext_value *answer, struct kext_sysctl *ret)
{
	struct kext_sysctl sysctl = {0};
	const char *format = kext_value_string(kext_value_get(answer, KEY_FORMAT));
	const void *data =
		kext_value_data(kext_value_get(answer, KEY_VALUE), &sysctl.size);
	sysctl.kind = (uint32_t)kext_value_integer(kext_value_get(answer, KEY_KIND));
	snprintf(sysctl.format, sizeof(sysctl.format), "%s", format ? format : "");
	/* NUL-terminated for the sake of strings that the kernel did not end. */
	sysctl.data = mem_string_n(data ? data : "", data ? sysctl.size : 0);
	if (!sysctl.data)
		return -ENOMEM;
	*ret = sysctl;
	return 0;
}

int kext_client_sysctl(struct kext_client *client, const char *name, const void *value,
		       size_t value_size, struct kext_sysctl *ret_sysctl)
{
	struct kext_value *arguments = kext_value_new_dictionary();
	struct kext_value *answer = NULL;
	int error = arguments ? kext_value_set(arguments, KEY_NAME,
					       kext_value_new_string(name))
			      : -ENOMEM;
	if (error == 0 && value)
		error = kext_value_set(arguments, KEY_VALUE,
				       kext_value_new_data(value, value_size));
	if (error < 0) {
		kext_value_unref(arguments);
		return error;
	}
	error = client_call(client, PREDICATE_SYSCTL, arguments, -1, NULL, &answer, NULL);
	if (error == 0)
		error = read_answer(answer, ret_sysctl);
	kext_value_unref(answer);
	return error;
}

int kext_client_sysctl_names(struct kext_client *client, struct kext_value **ret_names)
{
	struct kext_value *answer = NULL;
	int error = client_call(client, PREDICATE_SYSCTL_NAMES,
				kext_value_new_dictionary(), -1, NULL, &answer, NULL);
	if (error == 0 && !answer)
		return KEXT_ERR_PROTOCOL;
	if (error == 0)
		*ret_names = answer;
	return error;
}
