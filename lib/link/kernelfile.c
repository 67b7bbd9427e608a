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
#include "codec/wrap.h"
#include "link/image.h"

#define KERNEL_MAX	(256u << 20)
#define CAPABILITY_BITS 0xff000000u /* of a cpusubtype */
_Static_assert(KEXT_KERNEL_MAX_ARCHS >= FAT_MAX_SLICES, "room for every slice");

struct kext_kernel_file {
	atomic_uint references;
	char *path;
	struct file_map file;
	struct unwrapped plain; /* without what was wrapped around it */
	struct bytes slice;	/* part of it */
	struct kext_image *image;
	bool is_own;
};

static int read_file(struct kext_kernel_file *kernel,
		     struct kext_diagnostics *diagnostics)
{
	int error = file_map_path(AT_FDCWD, kernel->path, KERNEL_MAX, &kernel->file);
	if (error < 0)
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.file", kernel->path, NULL,
			      "the kernel cannot be read: %s", file_error_string(error));
	return error;
}

static int no_kernel(const struct kext_kernel_file *kernel,
		     struct kext_diagnostics *diagnostics)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "kernel.file", kernel->path, NULL,
		      "this is neither a Mach-O nor a fat file");
	return KEXT_ERR_BAD_DATA;
}

/* A kernel for one CPU out of a file that may be compressed, fat, or both. */
static int take_slice(struct kext_kernel_file *kernel, const struct kext_arch *arch,
		      struct kext_diagnostics *findings)
{
	struct wrap_options options = {.cputype = arch->cputype,
				       .cpusubtype = arch->cpusubtype};
	int error = unwrap(kernel->file.bytes, &options, kernel->path, findings,
			   &kernel->plain);
	if (error == 0)
		error = fat_find(kernel->plain.bytes, arch->cputype, arch->cpusubtype,
				 &kernel->slice);
	if (error == KEXT_ERR_BAD_DATA && !kext_diagnostics_count(findings, KEXT_ERROR))
		return no_kernel(kernel, findings);
	return error;
}

static int map_file(struct kext_kernel_file *kernel, const struct kext_arch *arch,
		    struct kext_diagnostics *diagnostics)
{
	int error = read_file(kernel, diagnostics);
	if (error < 0)
		return error;
	struct kext_diagnostics *findings = kext_diagnostics_new();
	error = findings ? take_slice(kernel, arch, findings) : -ENOMEM;
	if (error == KEXT_ERR_ARCH_NOT_FOUND)
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.arch", kernel->path,
			      "name another kernel with -k, or another CPU with -arch",
			      "the kernel has no code for %s", arch->name);
	else if (error < 0 && error != -ENOMEM && diagnostics)
		kext_diagnostics_move(diagnostics, findings);
	kext_diagnostics_free(findings);
	return error;
}

static void unmap_file(struct kext_kernel_file *kernel)
{
	unwrapped_free(&kernel->plain);
	file_unmap(&kernel->file);
	free(kernel->path);
}

/* A fat file states its slices outside of any compression. */
static int list_slices(struct kext_kernel_file *kernel,
		       struct kext_diagnostics *diagnostics,
		       struct fat_slice slices[FAT_MAX_SLICES])
{
	static const struct wrap_options any = {.cputype = KEXT_CPU_ANY};
	if (fat_is(kernel->file.bytes))
		return fat_slices(kernel->file.bytes, slices);
	int error = unwrap(kernel->file.bytes, &any, kernel->path, diagnostics,
			   &kernel->plain);
	return error < 0 ? error : fat_slices(kernel->plain.bytes, slices);
}

int kext_kernel_file_archs(const char *path, struct kext_diagnostics *diagnostics,
			   const struct kext_arch *ret_archs[KEXT_KERNEL_MAX_ARCHS])
{
	struct fat_slice slices[FAT_MAX_SLICES];
	struct kext_kernel_file kernel = {.path = mem_string(path)};
	int found = 0;
	int count = kernel.path ? read_file(&kernel, diagnostics) : -ENOMEM;
	if (count == 0)
		count = list_slices(&kernel, diagnostics, slices);
	if (count == KEXT_ERR_BAD_DATA ||
	    (count == 1 && slices[0].cputype == KEXT_CPU_ANY))
		count = no_kernel(&kernel, diagnostics);
	for (int i = 0; i < count; i++) {
		const struct kext_arch *arch = kext_arch_numbered(
			slices[i].cputype, slices[i].cpusubtype & ~CAPABILITY_BITS);
		if (arch)
			ret_archs[found++] = arch;
	}
	unmap_file(&kernel);
	return count < 0 ? count : found;
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
	unmap_file(&own);
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
	unmap_file(kernel);
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
