/*
 * Links one kext from files, for tests:
 *
 *	linkone KEXT -o OUT -a ADDRESS [-s] [-M] [-p PAGE] [-S SEGMENT=ADDRESS]…
 *		{-k IMAGE [-i INTERFACE] | -d IMAGE | -D IMAGE}…
 *
 * -k a kernel, with the -i that follows bound through that interface; -d a direct and -D
 * an indirect dependency; -s slide information; -M allow missing; -p page size; -S the
 * place of one segment of a split kext. Prints each diagnostic as "severity slug:
 *message" and, on success, the address of kmod_info.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <kext/link.h>
#include "base/file.h"

#define MAX 64

static struct kext_diagnostics *diagnostics;
static struct kext_image *images[MAX];
static size_t image_count;
static struct file_map maps[2 * MAX + 1];
static size_t map_count;
static uint64_t load_address;

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	(void)data, (void)size;
	*ret_address = load_address;
	return 0;
}

static void print_diagnostics(void)
{
	for (size_t i = 0; i < kext_diagnostics_length(diagnostics); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(diagnostics, i);
		printf("%s %s: %s\n", kext_severity_name(d->severity), d->slug,
		       d->message);
		if (d->hint)
			printf("  hint: %s\n", d->hint);
	}
}

static int finish(int status)
{
	print_diagnostics();
	for (size_t i = 0; i < image_count; i++)
		kext_image_unref(images[i]);
	for (size_t i = 0; i < map_count; i++)
		file_unmap(&maps[i]);
	kext_diagnostics_free(diagnostics);
	return status;
}

static struct bytes read_file(const char *path)
{
	struct file_map *map = &maps[map_count++];
	if (map_count <= 2 * MAX && file_map_path(AT_FDCWD, path, 1u << 30, map) == 0)
		return map->bytes;
	fprintf(stderr, "linkone: cannot read %s\n", path);
	exit(2);
}

static struct kext_image *open_image(const char *path)
{
	struct bytes bytes = read_file(path);
	if (image_count == MAX || kext_image_open(bytes.data, bytes.size, path,
						  diagnostics, &images[image_count]))
		exit(finish(1));
	return images[image_count++];
}

/* "SEGMENT=ADDRESS", cut in place. */
static void add_place(struct kext_link_request *request, char *text)
{
	static struct kext_link_segment places[MAX];
	char *equals = strchr(text, '=');
	if (!equals || request->segment_count == MAX)
		exit(2);
	*equals = 0;
	places[request->segment_count++] =
		(struct kext_link_segment){text, strtoull(equals + 1, NULL, 0)};
	request->segments = places;
}

static int usage(void)
{
	fputs("usage: linkone KEXT -o OUT -a ADDRESS [-s] [-M] [-p PAGE] "
	      "[-S SEGMENT=ADDRESS] "
	      "{-k IMAGE [-i INTERFACE] | -d IMAGE | -D IMAGE}\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct kext_link_dependency dependencies[MAX];
	struct kext_link_request request = {.dependencies = dependencies,
					    .allocate = allocate};
	struct kext_link_result result;
	const char *output = NULL;
	struct kext_image *kernel = NULL;
	int option, fresh = 0;
	diagnostics = kext_diagnostics_new();
	while ((option = getopt(argc, argv, "o:a:sMp:S:k:i:d:D:")) != -1) {
		struct kext_link_dependency *d = &dependencies[request.dependency_count];
		if (request.dependency_count == MAX - 1)
			return usage();
		switch (option) {
		case 'o':
			output = optarg;
			break;
		case 'a':
			load_address = strtoull(optarg, NULL, 0);
			break;
		case 's':
			request.include_relocations = true;
			break;
		case 'M':
			request.allow_missing = true;
			break;
		case 'p':
			request.page_size = strtoull(optarg, NULL, 0);
			break;
		case 'S':
			add_place(&request, optarg);
			break;
		case 'i':
			d -= fresh;
			request.dependency_count += !fresh;
			*d = (struct kext_link_dependency){kernel, open_image(optarg),
							   true};
			fresh = 0;
			break;
		case 'k':
		case 'd':
		case 'D':
			*d = (struct kext_link_dependency){open_image(optarg), NULL,
							   option != 'D'};
			request.dependency_count++;
			fresh = option == 'k';
			kernel = fresh ? d->image : kernel;
			break;
		default:
			return usage();
		}
	}
	if (optind + 1 != argc || !output)
		return usage();
	struct bytes kext = read_file(argv[optind]);
	request.data = kext.data;
	request.size = kext.size;
	request.name = argv[optind];
	if (kext_link(&request, diagnostics, &result) < 0)
		return finish(1);
	FILE *file = fopen(output, "wb");
	if (!file || fwrite(result.data, 1, result.size, file) != result.size ||
	    fclose(file))
		return finish(2);
	printf("kmod_info 0x%" PRIx64 " missing %u %u\n", result.kmod_info,
	       result.missing_direct, result.missing_slots);
	free(result.data);
	return finish(0);
}
