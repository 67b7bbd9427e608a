/* The link test; see linktest.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kext/link.h>
#include "common/linktest.h"

#define FIRST_ADDRESS 0x200010000000ull /* where kernel_task keeps kexts */

/* What stands for item number i once it can be linked against. */
struct linked {
	struct kext_image *image;
	struct kext_image *interface; /* of a kernel component */
	uint8_t *data;
};

struct test {
	const struct kext_load_list *list;
	struct kext_diagnostics *diagnostics;
	bool allow_missing;
	uint64_t next_address;
	void *kernel_data;
	size_t kernel_size;
	struct kext_image *kernel;
	struct linked *items;
};

static int open_kernel(struct test *test)
{
	char path[PATH_MAX];
	struct stat st;
	snprintf(path, sizeof(path), "%s/mach_kernel", kext_data_folder());
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		test->kernel_size = (size_t)st.st_size;
		test->kernel_data =
			mmap(NULL, test->kernel_size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	int error = test->kernel_data && test->kernel_data != MAP_FAILED ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	if (error < 0) {
		test->kernel_data = NULL;
		kext_diagnose(test->diagnostics, KEXT_ERROR, "kernel.description", path,
			      "build or install libkext completely, or set $KEXT_DATADIR",
			      "the kernel's description cannot be read: %s",
			      kext_error_string(error));
		return error;
	}
	return kext_image_open(test->kernel_data, test->kernel_size, "mach_kernel",
			       test->diagnostics, &test->kernel);
}

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	struct test *test = data;
	*ret_address = test->next_address;
	test->next_address += (size + 0xfff) & ~0xfffull;
	return 0;
}

static int open_interface(struct test *test, size_t index)
{
	struct kext_bundle *bundle = kext_load_list_at(test->list, index)->bundle;
	struct linked *item = &test->items[index];
	const void *data;
	size_t size;
	item->image = kext_image_ref(test->kernel);
	if (!bundle || !kext_bundle_has_executable(bundle))
		return 0;
	int error = kext_bundle_slice(bundle, kext_arch_host(), test->diagnostics, &data,
				      &size);
	return error < 0 ? error
			 : kext_image_open(data, size, kext_bundle_identifier(bundle),
					   test->diagnostics, &item->interface);
}

static size_t add_dependencies(struct test *test, const size_t *positions, size_t count,
			       bool is_direct, struct kext_link_dependency *list,
			       size_t used)
{
	for (size_t i = 0; i < count; i++) {
		const struct linked *from = &test->items[positions[i]];
		if (from->image)
			list[used++] = (struct kext_link_dependency){
				from->image, from->interface, is_direct};
	}
	return used;
}

static int link_against(struct test *test, const struct kext_load_item *item,
			struct kext_link_dependency *list, struct kext_link_result *ret)
{
	size_t count =
		add_dependencies(test, item->direct, item->direct_count, true, list, 0);
	count = add_dependencies(test, item->indirect, item->indirect_count, false, list,
				 count);
	struct kext_link_request request = {
		.name = kext_bundle_identifier(item->bundle),
		.dependencies = list,
		.dependency_count = count,
		.allocate = allocate,
		.allocate_data = test,
		.allow_missing = test->allow_missing,
	};
	int error = kext_bundle_slice(item->bundle, kext_arch_host(), test->diagnostics,
				      &request.data, &request.size);
	return error < 0 ? error : kext_link(&request, test->diagnostics, ret);
}

static int link_item(struct test *test, size_t index)
{
	const struct kext_load_item *item = kext_load_list_at(test->list, index);
	struct linked *place = &test->items[index];
	struct kext_link_result result;
	if (item->is_kernel_component)
		return open_interface(test, index);
	if (!item->bundle || !kext_bundle_has_executable(item->bundle))
		return 0;
	struct kext_link_dependency *list =
		calloc(item->direct_count + item->indirect_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	int error = link_against(test, item, list, &result);
	free(list);
	if (error < 0)
		return error;
	place->data = result.data;
	return kext_image_open(result.data, result.size,
			       kext_bundle_identifier(item->bundle), test->diagnostics,
			       &place->image);
}

static void free_test(struct test *test, size_t count)
{
	for (size_t i = 0; test->items && i < count; i++) {
		kext_image_unref(test->items[i].interface);
		kext_image_unref(test->items[i].image);
		free(test->items[i].data);
	}
	free(test->items);
	kext_image_unref(test->kernel);
	if (test->kernel_data)
		munmap(test->kernel_data, test->kernel_size);
}

int link_test(const struct kext_load_list *list, bool allow_missing,
	      struct kext_diagnostics *diagnostics)
{
	size_t count = kext_load_list_count(list);
	struct test test = {
		.list = list,
		.diagnostics = diagnostics,
		.allow_missing = allow_missing,
		.next_address = FIRST_ADDRESS,
		.items = calloc(count + 1, sizeof(struct linked)),
	};
	int error = test.items ? open_kernel(&test) : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = link_item(&test, i);
	free_test(&test, count);
	return error;
}
