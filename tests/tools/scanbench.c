/*
 * Times a repository: scanbench FOLDER [ROUNDS] prints, as JSON, the milliseconds that a
 * scan, the resolution of all kexts, and a scan with a cache take (medians, on one core),
 * and the peak memory. The cache is written below $KEXT_ROOT; without one it is left out.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <kext/repository.h>
#include <kext/resolve.h>

#define ROUNDS_MAX 99

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	fprintf(stderr, "scanbench: %s\n", what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *times, int count)
{
	qsort(times, (size_t)count, sizeof(*times), compare);
	return times[count / 2];
}

static struct kext_repository *scan(struct kext_context *context, const char *folder,
				    double *ret_time)
{
	struct kext_repository *repository;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	double start = now();
	if (kext_repository_new(context, &repository) < 0 ||
	    kext_repository_add_folder(repository, folder, diagnostics) < 0)
		fail("the folder cannot be scanned");
	*ret_time = now() - start;
	if (kext_diagnostics_count(diagnostics, KEXT_NOTE))
		fail(kext_diagnostics_at(diagnostics, 0)->message);
	kext_diagnostics_free(diagnostics);
	return repository;
}

static double resolve(const struct kext_repository *repository)
{
	size_t count = kext_repository_count(repository);
	struct kext_bundle **bundles = calloc(count, sizeof(struct kext_bundle *));
	int *results = calloc(count, sizeof(*results));
	struct kext_load_list *list;
	for (size_t i = 0; i < count; i++)
		bundles[i] = kext_repository_at(repository, i);
	double start = now();
	if (kext_resolve_all(repository, bundles, count, NULL, 0, kext_arch_host(), NULL,
			     results, &list) < 0)
		fail("no memory");
	double time = now() - start;
	if (kext_load_list_count(list) != count)
		fail("not every kext was resolved");
	kext_load_list_free(list);
	free(results);
	free(bundles);
	return time;
}

/* From here on the folder's cache is there to be believed. */
static double scan_cached(struct kext_context *context, const char *folder, int rounds,
			  size_t count)
{
	double times[ROUNDS_MAX];
	if (kext_repository_write_cache(context, folder, NULL) < 0)
		fail("the cache cannot be written");
	for (int i = 0; i < rounds; i++) {
		struct kext_repository *repository = scan(context, folder, &times[i]);
		if (kext_repository_count(repository) != count)
			fail("not every kext is in the cache");
		kext_repository_free(repository);
	}
	return median(times, rounds);
}

int main(int argc, char **argv)
{
	double scans[ROUNDS_MAX], resolutions[ROUNDS_MAX], cached = 0;
	struct kext_context *context;
	struct rusage usage;
	cpu_set_t one;
	int rounds = argc > 2 ? atoi(argv[2]) : 9;
	size_t count = 0;
	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX)
		fail("usage: scanbench FOLDER [ROUNDS]");
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0 || kext_context_new(&context) < 0)
		fail("cannot begin");
	for (int i = 0; i < rounds; i++) {
		struct kext_repository *repository = scan(context, argv[1], &scans[i]);
		resolutions[i] = resolve(repository);
		count = kext_repository_count(repository);
		kext_repository_free(repository);
	}
	getrusage(RUSAGE_SELF, &usage);
	if (getenv("KEXT_ROOT"))
		cached = scan_cached(context, argv[1], rounds, count);
	printf("{\"count\": %zu, \"scan\": %.3f, \"resolve\": %.3f, \"cached\": %.3f, "
	       "\"memory\": %.3f}\n",
	       count, median(scans, rounds), median(resolutions, rounds), cached,
	       (double)usage.ru_maxrss / 1024);
	kext_context_unref(context);
	return 0;
}
