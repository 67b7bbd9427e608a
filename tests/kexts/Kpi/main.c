/* Start and stop of every kext of this folder; -DKPI_TEST=NAME names it. */
#include "kpi.h"

#define DECLARE(identifier) KMOD_EXPLICIT_DECL(identifier, "1.0", _start, _stop)

extern kern_return_t _start(kmod_info_t *kmod, void *data);
extern kern_return_t _stop(kmod_info_t *kmod, void *data);

static int failures;

void check_line(const char *name, int is_good, const char *file, int line)
{
	if (is_good)
		printf("ok kpi.%s\n", name);
	else
		printf("not ok kpi.%s (%s:%d)\n", name, file, line);
	failures += !is_good;
}

static kern_return_t begin(kmod_info_t *kmod, void *data)
{
	check();
	return failures ? KERN_FAILURE : KERN_SUCCESS;
}

static kern_return_t end(kmod_info_t *kmod, void *data)
{
	return KERN_SUCCESS;
}

DECLARE(com.apple.test.kpi.KPI_TEST)
__attribute__((visibility("hidden"))) kmod_start_func_t *_realmain = begin;
__attribute__((visibility("hidden"))) kmod_stop_func_t *_antimain = end;
