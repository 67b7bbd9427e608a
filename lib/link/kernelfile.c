/* Opening kernels from files; see kext/kernelfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <kext/context.h>
#include <kext/kernelfile.h>
#include <kext/version.h>
#include "base/file.h"
#include "base/memory.h"
#include "codec/fat.h"
#include "link/image.h"

#define KERNEL_MAX (256u << 20)

struct kext_kernel_file {
	atomic_uint references;
	char *path;
	struct file_map file;
	struct bytes slice;
	struct kext_image *image;
	bool is_own;
};

static int map_file(struct kext_kernel_file *kernel, const struct kext_arch *arch,
		    struct kext_diagnostics *diagnostics)
{
	int error = file_map_path(AT_FDCWD, kernel->path, KERNEL_MAX, &kernel->file);
	if (error < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.file", kernel->path, NULL,
			      "the kernel cannot be read: %s",
			      error == -EINVAL ? "this is no regular file"
					       : kext_error_string(error));
		return error;
	}
	error = fat_find(kernel->file.bytes, arch->cputype, arch->cpusubtype,
			 &kernel->slice);
	if (error == KEXT_ERR_ARCH_NOT_FOUND)
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.arch", kernel->path,
			      "name another kernel with -k, or another CPU with -arch",
			      "the kernel has no code for %s", arch->name);
	else if (error < 0)
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.file", kernel->path, NULL,
			      "this is neither a Mach-O nor a fat file");
	return error;
}

static char *own_path(void)
{
	return mem_format("%s/mach_kernel", kext_data_folder());
}

/* Two files with the same UUID are one kernel. */
static bool is_own(const struct kext_kernel_file *kernel, const struct kext_arch *arch)
{
	struct kext_kernel_file own = {.path = own_path()};
	const uint8_t *uuid = kext_image_uuid(kernel->image), *other = NULL;
	bool is_same = false;
	if (uuid && own.path && map_file(&own, arch, NULL) == 0 &&
	    kext_image_open(own.slice.data, own.slice.size, own.path, NULL, &own.image) ==
		    0)
		other = kext_image_uuid(own.image);
	if (other)
		is_same = memcmp(uuid, other, 16) == 0;
	kext_image_unref(own.image);
	file_unmap(&own.file);
	free(own.path);
	return is_same;
}

int kext_kernel_file_open(const char *path, const struct kext_arch *arch,
			  struct kext_diagnostics *diagnostics,
			  struct kext_kernel_file **ret_kernel)
{
	struct kext_kernel_file *kernel = mem_zero(1, sizeof(*kernel));
	if (!kernel)
		return -ENOMEM;
	atomic_init(&kernel->references, 1);
	kernel->path = path ? mem_string(path) : own_path();
	int error = kernel->path ? map_file(kernel, arch, diagnostics) : -ENOMEM;
	if (error == 0)
		error = kext_image_open(kernel->slice.data, kernel->slice.size,
					kernel->path, diagnostics, &kernel->image);
	if (error < 0) {
		kext_kernel_file_unref(kernel);
		return error;
	}
	kernel->is_own = !path || is_own(kernel, arch);
	*ret_kernel = kernel;
	return 0;
}

struct kext_kernel_file *kext_kernel_file_ref(struct kext_kernel_file *kernel)
{
	atomic_fetch_add_explicit(&kernel->references, 1, memory_order_relaxed);
	return kernel;
}

struct kext_kernel_file *kext_kernel_file_unref(struct kext_kernel_file *kernel)
{
	if (!kernel || atomic_fetch_sub(&kernel->references, 1) != 1)
		return NULL;
	kext_image_unref(kernel->image);
	file_unmap(&kernel->file);
	free(kernel->path);
	free(kernel);
	return NULL;
}

const char *kext_kernel_file_path(const struct kext_kernel_file *kernel)
{
	return kernel->path;
}

struct kext_image *kext_kernel_file_image(const struct kext_kernel_file *kernel)
{
	return kernel->image;
}

const void *kext_kernel_file_data(const struct kext_kernel_file *kernel, size_t *ret_size)
{
	*ret_size = kernel->slice.size;
	return kernel->slice.data;
}

/* The number behind the words, up to what a version cannot hold; false when there is
 * none.
 */
static bool read_version(const char *at, const char *end, int64_t *ret)
{
	char text[KEXT_VERSION_TEXT_MAX] = "";
	size_t length = 0;
	while (at < end && length + 1 < sizeof(text) &&
	       ((*at >= '0' && *at <= '9') || *at == '.'))
		text[length++] = *at++;
	return length && kext_version_parse(text, ret) == 0;
}

/*
 * Darwin kernels hold "Darwin Kernel Version 19.6.0: …" as text. Our own has no text: its
 * description states addresses only.
 */
int64_t kext_kernel_file_version(const struct kext_kernel_file *kernel)
{
	static const char words[] = "Darwin Kernel Version ";
	const char *at = (const char *)kernel->slice.data, *end = at + kernel->slice.size;
	int64_t version;
	while ((at = memmem(at, (size_t)(end - at), words, strlen(words)))) {
		at += strlen(words);
		if (read_version(at, end, &version))
			return version;
	}
	return 0;
}

uint64_t kext_kernel_file_address(const struct kext_kernel_file *kernel)
{
	uint64_t lowest = UINT64_MAX;
	array_for_each (segment, &kernel->image->macho.segments)
		if (segment->size && segment->address < lowest)
			lowest = segment->address;
	return lowest == UINT64_MAX ? 0 : lowest;
}

bool kext_kernel_file_is_own(const struct kext_kernel_file *kernel)
{
	return kernel->is_own;
}

bool kext_kernel_file_lacks(const struct kext_kernel_file *kernel, const char *symbol)
{
	uint64_t address = kext_image_symbol_address(kernel->image, symbol);
	return address && image_traps(kernel->image, address);
}
