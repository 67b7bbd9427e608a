/* Making archives and prelinked kernels; see cachefile.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <kext/archive.h>
#include "common/cachefile.h"
#include "common/cachetimes.h"
#include "common/heap.h"
#include "common/print.h"

/* A file made from whole folders alone can be compared with them later. */
static time_t time_for(const struct cachefile *file)
{
	const struct option_list *operands = file->pick.operands;
	if (file->pick.identifiers->count)
		return 0;
	for (size_t i = 0; i < operands->count; i++)
		if (pick_is_kext_name(operands->items[i]))
			return 0;
	return cachetimes_of(operands, file->kernel);
}

static bool is_outdated(const struct cachefile *file, const struct cachetimes *before)
{
	if (!cachetimes_have_changed(file->pick.operands, file->kernel, before))
		return false;
	print_error("Source directory has changed since starting; not saving cache file "
		    "%s.",
		    file->path);
	return true;
}

/* ---- writing ---- */

/* A wrong time only makes the file stale: it is rebuilt then. */
static int date_file(const char *path, time_t time)
{
	struct timespec times[2] = {{.tv_sec = time}, {.tv_sec = time}};
	if (!time || utimensat(AT_FDCWD, path, times, 0) == 0)
		return EX_OK;
	print_error("%s: its time cannot be set: %s", path, strerror(errno));
	return EX_CANTCREAT;
}

static int save(const char *path, const void *data, size_t size, time_t time)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	if (strcmp(path, "-") == 0) {
		kext_diagnostics_free(diagnostics);
		return fwrite(data, 1, size, stdout) == size ? EX_OK : EX_IOERR;
	}
	int error = kext_archive_save(path, data, size, diagnostics);
	print_diagnostics(diagnostics, KEXT_WARNING);
	kext_diagnostics_free(diagnostics);
	return error < 0 ? EX_CANTCREAT : date_file(path, time);
}

/* ---- slices ---- */

struct making {
	const struct cachefile *file;
	const struct kext_arch *archs[CACHEFILE_MAX_ARCHS];
	size_t arch_count;
	struct pick pick;
	struct kext_diagnostics *diagnostics;
	struct kext_kernel_file *kernel; /* of the slice at work */
	struct kext_archive_slice *slices;
	size_t count;
};

static int make_mkext(struct making *making, void **ret_data, size_t *ret_size)
{
	const struct cachefile *file = making->file;
	struct kext_mkext_options options = {
		.arch = making->pick.arch,
		.version = file->kind == CACHEFILE_MKEXT1 ? KEXT_MKEXT_1 : KEXT_MKEXT_2,
		.store_executables = file->compression == KEXT_COMPRESSION_NONE,
		.store_plist = file->compression == KEXT_COMPRESSION_NONE,
		.jobs = file->jobs,
		.volume_root = file->volume_root,
	};
	return kext_mkext_write(making->pick.bundles, making->pick.count, &options,
				making->diagnostics, ret_data, ret_size);
}

static int make_symbols(struct making *making, const struct kext_linkset *set)
{
	const struct cachefile *file = making->file;
	char folder[4096];
	int error = 0;
	if (!file->symbols)
		return 0;
	snprintf(folder, sizeof(folder), "%s", file->symbols);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		error = -errno;
	if (error == 0 && making->arch_count > 1) {
		snprintf(folder, sizeof(folder), "%s/%s", file->symbols,
			 making->pick.arch->name);
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			error = -errno;
	}
	if (error < 0)
		print_error("%s: %s", folder, kext_error_string(error));
	for (size_t i = 0; error == 0 && i < kext_linkset_count(set); i++) {
		const struct kext_linked *linked = kext_linkset_at(set, i);
		char *path = NULL;
		if (linked->data && !linked->is_kernel_component)
			error = kext_linked_publish(linked, folder, making->diagnostics,
						    &path);
		free(path);
	}
	return error;
}

static void print_id(const uint8_t *id)
{
	char text[33];
	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02X", id[i]);
	print_error("KernelCache ID: %s", text);
}

/* Takes `data` over. */
static int compress(const struct cachefile *file, void *data, size_t size,
		    void **ret_data, size_t *ret_size)
{
	if (file->compression == KEXT_COMPRESSION_NONE) {
		*ret_data = data;
		*ret_size = size;
		return 0;
	}
	int error =
		kext_prelinked_wrap(data, size, file->compression, ret_data, ret_size);
	free(data);
	return error;
}

static int make_prelinked(struct making *making, void **ret_data, size_t *ret_size)
{
	const struct cachefile *file = making->file;
	struct kext_prelink_options options = {
		.repository = making->pick.known,
		.kernel = making->kernel,
		.arch = making->pick.arch,
		.bundles = making->pick.bundles,
		.bundle_count = making->pick.count,
		.jobs = file->jobs,
		.no_link_failures = file->no_link_failures,
		.all_personalities = file->all_personalities,
		.strip_symbols = file->strip_symbols,
		.volume_root = file->volume_root,
	};
	struct kext_prelinked *prelinked;
	size_t size;
	heap_expect_large_blocks();
	int error = kext_prelink(&options, making->diagnostics, &prelinked);
	if (error < 0)
		return error;
	error = make_symbols(making, kext_prelinked_set(prelinked));
	if (error == 0 && file->pick.level > 0)
		print_id(kext_prelinked_id(prelinked));
	/* The images go before the whole is compressed. */
	void *data = kext_prelinked_take(prelinked, &size);
	kext_prelinked_free(prelinked);
	heap_large_blocks_are_done();
	if (error < 0)
		free(data);
	return error < 0 ? error : compress(file, data, size, ret_data, ret_size);
}

static int exit_status_of(int error)
{
	return error == KEXT_ERR_ARCH_NOT_FOUND ? EXIT_ARCH
						: kext_error_exit_status(error);
}

static int make_slice(struct making *making, const struct kext_arch *arch)
{
	const struct cachefile *file = making->file;
	void *data = NULL;
	size_t size = 0;
	int error = 0;
	if (!making->pick.count) {
		if (making->arch_count == 1)
			print_error("no kexts are left; %s is not written", file->path);
		else
			print_error("no kexts are left for %s, which is left out",
				    arch->name);
		return making->pick.status ? making->pick.status : EXIT_NOT_FOUND;
	}
	error = file->kind == CACHEFILE_PRELINKED ? make_prelinked(making, &data, &size)
						  : make_mkext(making, &data, &size);
	print_diagnostics(making->diagnostics,
			  file->pick.level > 0 || file->pick.prints_findings
				  ? KEXT_NOTE
				  : KEXT_WARNING);
	if (error < 0 && !kext_diagnostics_count(making->diagnostics, KEXT_ERROR))
		print_error("%s", kext_error_string(error));
	kext_diagnostics_free(making->diagnostics);
	making->diagnostics = kext_diagnostics_new();
	if (error < 0) {
		free(data);
		return exit_status_of(error);
	}
	making->slices[making->count++] =
		(struct kext_archive_slice){.arch = arch, .data = data, .size = size};
	return EX_OK;
}

/* Our own KPI plug-ins belong to our own kernel. */
static int open_for(struct making *making, struct kext_context *context,
		    const struct kext_arch *arch)
{
	const struct cachefile *file = making->file;
	struct pick_options options = file->pick;
	bool is_prelinked = file->kind == CACHEFILE_PRELINKED;
	int error = 0;
	options.has_other_archs = making->arch_count > 1;
	options.needs_dependencies = is_prelinked;
	options.only_newest = file->kind != CACHEFILE_MKEXT2;
	options.suffix = is_prelinked ? "" : " from mkext";
	/* The kernel that was asked is the one that runs here. */
	if (is_prelinked && arch->cputype != kext_arch_host()->cputype)
		options.loaded = NULL;
	if (is_prelinked) {
		error = kext_kernel_file_open(file->kernel, arch, making->diagnostics,
					      &making->kernel);
		print_diagnostics(making->diagnostics, KEXT_WARNING);
	}
	options.own_components =
		!making->kernel || kext_kernel_file_is_own(making->kernel);
	options.system_folders = !is_prelinked;
	if (error == 0)
		error = pick_open(&making->pick, context, &options);
	return error;
}

static bool has_arch(const struct kext_arch *const *archs, size_t count,
		     const struct kext_arch *arch)
{
	for (size_t i = 0; i < count; i++)
		if (archs[i] == arch)
			return true;
	return false;
}

/* Into a kernel go kexts for what it has code for, of that what was asked for if anything
 * was. */
static int choose_kernel_archs(struct making *making)
{
	const struct cachefile *file = making->file;
	const struct kext_arch *archs[KEXT_KERNEL_MAX_ARCHS];
	int count = kext_kernel_file_archs(file->kernel, making->diagnostics, archs);
	print_diagnostics(making->diagnostics, KEXT_WARNING);
	if (count < 0)
		return exit_status_of(count);
	for (int i = 0; i < count; i++)
		if (!file->arch_count ||
		    has_arch(file->archs, file->arch_count, archs[i]))
			making->archs[making->arch_count++] = archs[i];
	for (size_t i = 0; i < file->arch_count; i++)
		if (!has_arch(archs, (size_t)count, file->archs[i]))
			print_error("%s: the kernel has no code for %s", file->kernel,
				    file->archs[i]->name);
	return making->arch_count ? EX_OK : EXIT_ARCH;
}

static int choose_archs(struct making *making)
{
	const struct cachefile *file = making->file;
	if (file->kind == CACHEFILE_PRELINKED)
		return choose_kernel_archs(making);
	making->arch_count = file->arch_count ? file->arch_count : 1;
	making->archs[0] = kext_arch_host();
	for (size_t i = 0; i < file->arch_count; i++)
		making->archs[i] = file->archs[i];
	return EX_OK;
}

/* With several architectures one that has nothing is left out, if another has. */
static int make_slices(struct making *making, struct kext_context *context)
{
	int status = EX_OK, nothing = EX_OK;
	for (size_t i = 0; status == EX_OK && i < making->arch_count; i++) {
		int error = open_for(making, context, making->archs[i]);
		if (error == 0) {
			pick_choose(&making->pick, making->archs[i]);
			status = make_slice(making, making->archs[i]);
			if (status != EX_OK && !making->pick.count &&
			    making->arch_count > 1) {
				nothing = making->pick.status;
				status = EX_OK;
			}
			if (status == EX_OK && making->pick.status)
				nothing = making->pick.status;
			pick_close(&making->pick);
		} else {
			status = exit_status_of(error);
		}
		making->kernel = kext_kernel_file_unref(making->kernel);
	}
	if (status == EX_OK && !making->count)
		return nothing ? nothing : EXIT_NOT_FOUND;
	/* What was named and is left out: written, but not with success. */
	making->pick.status = nothing;
	return status;
}

/* One architecture's archive stands alone; prelinked kernels are fat in any case. */
static int write_file(struct making *making, time_t time)
{
	const struct cachefile *file = making->file;
	if (making->count == 1 && file->kind != CACHEFILE_PRELINKED)
		return save(file->path, making->slices[0].data, making->slices[0].size,
			    time);
	void *data;
	size_t size;
	int error = kext_archive_join(making->slices, making->count, &data, &size);
	if (error < 0) {
		print_error("%s: %s", file->path, kext_error_string(error));
		return kext_error_exit_status(error);
	}
	int status = save(file->path, data, size, time);
	free(data);
	return status;
}

static void announce(const struct cachefile *file)
{
	if (file->pick.level == 0 || strcmp(file->path, "-") == 0)
		return;
	if (file->kind != CACHEFILE_PRELINKED) {
		print_error("Created mkext archive %s.", file->path);
		return;
	}
	print_error("Created prelinked kernel \"%s\"", file->path);
	if (file->kernel_is_named)
		print_error("Created prelinked kernel using \"%s\"", file->kernel);
}

int cachefile_make(struct kext_context *context, const struct cachefile *file)
{
	struct making making = {
		.file = file,
		.diagnostics = kext_diagnostics_new(),
		.slices = calloc(CACHEFILE_MAX_ARCHS, sizeof(*making.slices)),
	};
	struct cachetimes before = cachetimes_note(file->pick.operands, file->kernel);
	time_t time = time_for(file);
	int status = making.slices ? choose_archs(&making) : EX_OSERR;
	if (status == EX_OK)
		status = make_slices(&making, context);
	if (status == EX_OK && is_outdated(file, &before))
		status = EXIT_STALE;
	if (status == EX_OK)
		status = write_file(&making, time);
	if (status == EX_OK) {
		announce(file);
		status = making.pick.status;
	}
	for (size_t i = 0; i < making.count; i++)
		free((void *)making.slices[i].data);
	free(making.slices);
	kext_diagnostics_free(making.diagnostics);
	return status;
}

/* ---- the other form ---- */

static int convert(const char *path, const void *data, const struct stat *st,
		   enum kext_compression compression, unsigned level)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	void *made = NULL;
	size_t size;
	int error = kext_prelinked_convert(data, (size_t)st->st_size, compression, path,
					   diagnostics, &made, &size);
	print_diagnostics(diagnostics, KEXT_WARNING);
	if (error < 0 && !kext_diagnostics_count(diagnostics, KEXT_ERROR))
		print_error("%s: %s", path, kext_error_string(error));
	kext_diagnostics_free(diagnostics);
	if (error < 0)
		return kext_error_exit_status(error);
	if (!made && level > 0)
		print_error("%s is in that form already", path);
	int status = made ? save(path, made, size, st->st_mtim.tv_sec) : EX_OK;
	free(made);
	return status;
}

int cachefile_convert(const char *path, enum kext_compression compression, unsigned level)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *data = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	int status = EX_NOINPUT;
	if (data != MAP_FAILED)
		status = convert(path, data, &st, compression, level);
	else
		print_error("%s: %s", path,
			    fd < 0 ? strerror(errno) : "is no file with content");
	if (data != MAP_FAILED)
		munmap(data, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return status;
}
