/* Choosing and reaching an instance of kextd; see instance.h. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "common/instance.h"
#include "common/print.h"

enum kext_instance instance_named(const struct command *command, const char *text)
{
	if (!text)
		return KEXT_INSTANCE_DEFAULT;
	if (strcmp(text, "user") == 0)
		return KEXT_INSTANCE_USER;
	if (strcmp(text, "system") == 0)
		return KEXT_INSTANCE_SYSTEM;
	options_fail(command, "'%s' is no instance (user or system)", text);
}

int instance_connect(enum kext_instance instance, unsigned flags,
		     struct kext_client **ret_client)
{
	struct kext_context *context = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = kext_context_new(&context);
	if (error == 0)
		error = kext_client_connect(context, instance, flags, diagnostics,
					    ret_client);
	bool is_absent = error == KEXT_ERR_NO_SERVER && !(flags & KEXT_CLIENT_START);
	if (error < 0 && !is_absent) {
		print_diagnostics(diagnostics, KEXT_ERROR);
		if (!kext_diagnostics_length(diagnostics))
			print_error("%s", kext_error_string(error));
	}
	kext_diagnostics_free(diagnostics);
	kext_context_unref(context);
	if (is_absent)
		return 0;
	return error < 0 ? error : 1;
}

static void add_copy(struct option_list *list, const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		exit(EX_OSERR);
	option_list_add(list, copy);
}

int instance_loaded(struct option_list *identifiers)
{
	struct kext_client *client = NULL;
	struct kext_value *kexts = NULL;
	int error = instance_connect(KEXT_INSTANCE_DEFAULT, 0, &client);
	if (error == 1)
		error = kext_client_list(client, NULL, &kexts);
	for (size_t i = 0; i < kext_value_count(kexts); i++) {
		const char *identifier = kext_value_string(
			kext_value_get(kext_value_at(kexts, i), "CFBundleIdentifier"));
		if (identifier)
			add_copy(identifiers, identifier);
	}
	kext_value_unref(kexts);
	kext_client_free(client);
	return error < 0 ? error : 0;
}
