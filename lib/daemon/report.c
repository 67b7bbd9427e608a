/*
 * Panic reports: what the kernel wrote as it died, with the symbols it could not know, as
 * a file in the state folder.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <fcntl.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define REPORT_FOLDER "reports"
/*
 * mach_kernel names only what kexts may use: far behind such a symbol lies some function
 * of the kernel's own, and the symbol would mislead.
 */
#define KERNEL_SYMBOL_REACH 0x400u
#define NAMES_MAX	    100u

/* An address in a report: `0xADDR : IDENTIFIER + 0xOFF`. */
struct place_in_code {
	uint64_t address;
	char identifier[65];
};

static bool parse_line(const char *line, size_t size, struct place_in_code *ret)
{
	char text[256];
	unsigned long long address, offset;
	snprintf(text, sizeof(text), "%.*s", (int)(size < 255 ? size : 255), line);
	char *hex = strstr(text, "0x");
	/* A line may hold a frame's address before the one that has a name. */
	while (hex && sscanf(hex, "0x%llx : %64s + 0x%llx", &address, ret->identifier,
			     &offset) != 3)
		hex = strstr(hex + 2, "0x");
	ret->address = hex ? address : 0;
	return hex != NULL;
}

static const char *find_symbol(struct kernel *kernel, const struct place_in_code *place,
			       uint64_t *ret_offset)
{
	array_for_each (image, &kernel->images) {
		if (strcmp((*image)->identifier, place->identifier) == 0)
			return kext_image_symbol_near((*image)->image, place->address,
						      ret_offset);
	}
	struct kext_image *image = kernel->daemon->catalog.kernel_image;
	if (!image || strcmp(place->identifier, "mach_kernel") != 0)
		return NULL;
	const char *symbol = kext_image_symbol_near(image, place->address, ret_offset);
	return symbol && *ret_offset < KERNEL_SYMBOL_REACH ? symbol : NULL;
}

static void copy_line(struct kernel *kernel, const char *line, size_t size,
		      struct buffer *ret)
{
	struct place_in_code place;
	uint64_t offset = 0;
	buffer_append(ret, line, size);
	if (parse_line(line, size, &place)) {
		pthread_mutex_lock(&kernel->lock);
		const char *symbol = find_symbol(kernel, &place, &offset);
		if (symbol)
			buffer_printf(ret, " (%s + 0x%llx)", symbol,
				      (unsigned long long)offset);
		pthread_mutex_unlock(&kernel->lock);
	}
	buffer_u8(ret, '\n');
}

int report_symbolicate(struct kernel *kernel, const char *text, struct buffer *ret)
{
	while (*text) {
		size_t size = strcspn(text, "\n");
		copy_line(kernel, text, size, ret);
		text += size + (text[size] == '\n');
	}
	return buffer_error(ret);
}

static bool is_loaded(struct kernel *kernel, const char *identifier)
{
	bool found = false;
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images)
		found = found || strcmp((*image)->identifier, identifier) == 0;
	pthread_mutex_unlock(&kernel->lock);
	return found;
}

/* The first address of the report that lies in a kext: where it went wrong. */
static char *find_culprit(struct kernel *kernel, const char *text)
{
	while (*text) {
		struct place_in_code place;
		size_t size = strcspn(text, "\n");
		if (parse_line(text, size, &place) && is_loaded(kernel, place.identifier))
			return mem_string(place.identifier);
		text += size + (text[size] == '\n');
	}
	return NULL;
}

/* A kernel that could write nothing: what kextd knows in its stead. */
static void describe_loaded(struct kernel *kernel, struct buffer *ret)
{
	buffer_string(ret, "The kernel left no report of its own. Loaded kexts:\n");
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images)
		buffer_printf(ret, "  %u %s\n", (*image)->tag, (*image)->identifier);
	pthread_mutex_unlock(&kernel->lock);
}

static int open_folder(struct daemon *daemon)
{
	if (mkdirat(daemon->state.fd, REPORT_FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(daemon->state.fd, REPORT_FOLDER,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Two reports of one second differ by a number: none replaces another. */
static int publish(struct daemon *daemon, const struct buffer *text, char **ret_path)
{
	char stamp[32], name[64];
	time_t now = time(NULL);
	struct tm local;
	_cleanup_fd_ int folder = open_folder(daemon);
	int error = folder < 0 ? folder : -EEXIST;
	localtime_r(&now, &local);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d-%H%M%S", &local);
	for (unsigned n = 0; error == -EEXIST && n < NAMES_MAX; n++) {
		snprintf(name, sizeof(name), n ? "kernel-%s-%u.panic" : "kernel-%s.panic",
			 stamp, n);
		error = file_publish(folder, name, text->data, text->size, 0644, true);
	}
	if (error < 0)
		return error;
	*ret_path = mem_format("%s/%s/%s", daemon->state.path, REPORT_FOLDER, name);
	return *ret_path ? 0 : -ENOMEM;
}

int report_write(struct kernel *kernel, const char *text, const char *cause,
		 char **ret_path, char **ret_culprit)
{
	_cleanup_buffer_ struct buffer report = {0};
	char when[64];
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &local);
	buffer_printf(&report, "kernel_task %d, %s\nEnd: %s\n\n", (int)kernel->pid, when,
		      cause);
	if (!text[0])
		describe_loaded(kernel, &report);
	int error = report_symbolicate(kernel, text, &report);
	if (error == 0)
		error = publish(kernel->daemon, &report, ret_path);
	if (error == 0)
		*ret_culprit = find_culprit(kernel, text);
	return error;
}
