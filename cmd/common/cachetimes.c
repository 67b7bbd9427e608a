/* Times of sources; see cachetimes.h. */
#include <sys/stat.h>
#include "common/cachetimes.h"

static bool is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static bool is_same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct timespec time_of(const char *path)
{
	struct stat st;
	return path && stat(path, &st) == 0 ? st.st_mtim : (struct timespec){0};
}

static struct timespec newest_of(const struct option_list *paths)
{
	struct timespec newest = {0};
	for (size_t i = 0; i < paths->count; i++) {
		struct timespec time = time_of(paths->items[i]);
		if (is_later(time, newest))
			newest = time;
	}
	return newest;
}

time_t cachetimes_of(const struct option_list *folders, const char *kernel)
{
	time_t newest = newest_of(folders).tv_sec, kernel_time = time_of(kernel).tv_sec;
	time_t valid = newest ? newest + 1 : 0;
	return kernel_time > valid ? kernel_time + 1 : valid;
}

struct cachetimes cachetimes_note(const struct option_list *folders, const char *kernel)
{
	return (struct cachetimes){newest_of(folders), time_of(kernel)};
}

bool cachetimes_have_changed(const struct option_list *folders, const char *kernel,
			     const struct cachetimes *before)
{
	struct cachetimes now = cachetimes_note(folders, kernel);
	return !is_same(now.folders, before->folders) ||
	       !is_same(now.kernel, before->kernel);
}
