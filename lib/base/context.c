/* The library context; see kext/context.h. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <kext/context.h>
#include "base/memory.h"

struct kext_context {
	atomic_int references;
	char *root;
	enum kext_era era;
	bool ignores_caches;
	kext_log_function *log;
	void *log_data;
	enum kext_log_level log_up_to;
};

const char *kext_library_version(void)
{
	return "0.2.0";
}

int kext_context_new(struct kext_context **ret_context)
{
	struct kext_context *context = mem_zero(1, sizeof(*context));
	const char *root = getenv("KEXT_ROOT");
	if (!context)
		return -ENOMEM;
	context->references = 1;
	context->era = KEXT_ERA_MODERN;
	int error = kext_context_set_root(context, root && *root ? root : "/");
	if (error < 0) {
		kext_context_unref(context);
		return error;
	}
	*ret_context = context;
	return 0;
}

struct kext_context *kext_context_ref(struct kext_context *context)
{
	atomic_fetch_add(&context->references, 1);
	return context;
}

struct kext_context *kext_context_unref(struct kext_context *context)
{
	if (context && atomic_fetch_sub(&context->references, 1) == 1) {
		free(context->root);
		free(context);
	}
	return NULL;
}

void kext_context_set_log(struct kext_context *context, kext_log_function *function,
			  void *data, enum kext_log_level up_to)
{
	context->log = function;
	context->log_data = data;
	context->log_up_to = up_to;
}

int kext_context_set_root(struct kext_context *context, const char *root)
{
	char *copy = mem_string(root);
	if (!copy)
		return -ENOMEM;
	free(context->root);
	context->root = copy;
	return 0;
}

const char *kext_context_root(const struct kext_context *context)
{
	return context->root;
}

void kext_context_set_era(struct kext_context *context, enum kext_era era)
{
	context->era = era;
}

enum kext_era kext_context_era(const struct kext_context *context)
{
	return context->era;
}

void kext_context_set_caches(struct kext_context *context, bool believed)
{
	context->ignores_caches = !believed;
}

bool kext_context_caches(const struct kext_context *context)
{
	return !context->ignores_caches;
}

bool kext_era_named(const char *name, enum kext_era *ret_era)
{
	static const char *const names[] = {"tiger", "snowleopard", "modern"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_era = (enum kext_era)i;
			return true;
		}
	}
	return false;
}

void kext_context_log(struct kext_context *context, enum kext_log_level level,
		      const char *format, ...)
{
	if (!context || !context->log || level > context->log_up_to)
		return;
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	context->log(context->log_data, level, text);
}
