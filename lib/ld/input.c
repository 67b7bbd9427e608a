/*
 * The files of the command line: found, mapped, the architecture's slice taken, and
 * handed on as objects or archives. Everything else a makefile may pass by mistake is
 * named for what it is.
 */
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include "base/memory.h"
#include "codec/fat.h"
#include "ld/linker.h"

/*
 * Libraries that compiler drivers ask for in every link. Kexts run without them, so that
 * their absence is no error.
 */
static bool is_dispensable(const char *name)
{
	return !strcmp(name, "crt0.o") || !strcmp(name, "System") ||
	       !strcmp(name, "cc_kext") || !strncmp(name, "clang_rt.", 9) ||
	       !strcmp(name, "gcc");
}

static bool is_runtime_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	return !strncmp(slash ? slash + 1 : path, "libclang_rt.", 12) ||
	       !strcmp(slash ? slash + 1 : path, "libcc_kext.a");
}

/* The first FOLDER/libNAME.a, or FOLDER/NAME for a name that ends in .o. */
static char *find_library(const struct linker *ld, const char *name, bool *ret_failed)
{
	size_t length = strlen(name);
	bool is_object = length > 2 && !strcmp(name + length - 2, ".o");
	for (size_t i = 0; i < ld->options->library_folder_count; i++) {
		const char *folder = ld->options->library_folders[i];
		char *path = is_object ? mem_format("%s/%s", folder, name)
				       : mem_format("%s/lib%s.a", folder, name);
		if (!path) {
			*ret_failed = true;
			return NULL;
		}
		if (!access(path, F_OK))
			return path;
		free(path);
	}
	return NULL;
}

static int missing_library(struct linker *ld, const char *name)
{
	_cleanup_buffer_ struct buffer folders = {0};
	for (size_t i = 0; i < ld->options->library_folder_count; i++)
		buffer_printf(&folders, "%s%s", i ? ", " : " in ",
			      ld->options->library_folders[i]);
	buffer_u8(&folders, 0);
	if (folders.failed)
		return -ENOMEM;
	return ld_error(ld, "ld.library", name, "add its folder with -L",
			"library not found: no lib%s.a%s", name,
			(const char *)folders.data);
}

/* 0 with *ret_path NULL for a library that is not there and not missed. */
static int resolve_library(struct linker *ld, const char *name, const char **ret_path)
{
	bool failed = false;
	char *path = find_library(ld, name, &failed);
	if (failed)
		return -ENOMEM;
	if (!path && is_dispensable(name))
		return 0;
	if (!path)
		return missing_library(ld, name);
	char **place = array_push(&ld->paths);
	if (!place) {
		free(path);
		return -ENOMEM;
	}
	*place = path;
	*ret_path = path;
	return 0;
}

static int map_file(struct linker *ld, const char *path, struct bytes *ret)
{
	struct file_map *map = array_push(&ld->maps);
	if (!map)
		return -ENOMEM;
	int error = file_map_path(AT_FDCWD, path, LD_FILE_MAX, map);
	if (error) {
		ld->maps.count--;
		if (error == -ENOMEM)
			return error;
		return ld_error(ld, "ld.file", path, NULL, "cannot be read: %s",
				file_error_string(error));
	}
	*ret = map->bytes;
	return 0;
}

static bool starts_with(struct bytes bytes, const char *text)
{
	size_t length = strlen(text);
	return bytes.size >= length && !memcmp(bytes.data, text, length);
}

/* Says what a file is that is neither object nor archive. */
static int refuse(struct linker *ld, const char *name, struct bytes bytes)
{
	const char *slug = "ld.object";
	if (starts_with(bytes, "BC\xc0\xde") || starts_with(bytes, "\xde\xc0\x17\x0b"))
		return ld_error(ld, slug, name, "compile without -flto or -emit-llvm",
				"is LLVM bitcode, expected a Mach-O object");
	if (starts_with(bytes, "\x7f"
			       "ELF"))
		return ld_error(ld, slug, name,
				"compile it with kext-cc, or with clang "
				"--target=x86_64-apple-macosx10.15",
				"is an ELF file, expected a Mach-O object");
	if (starts_with(bytes, "--- !tapi"))
		return ld_error(
			ld, slug, name, NULL,
			"is a stub of a dynamic library, which a kext cannot use");
	if (starts_with(bytes, "!<thin>\n"))
		return ld_error(ld, "ld.archive", name, "make it without the T option",
				"is a thin archive, expected one that holds its members");
	return ld_error(ld, slug, name, NULL,
			"is neither a Mach-O object nor an archive (%zu bytes)",
			bytes.size);
}

static int take_slice(struct linker *ld, const char *name, struct bytes *bytes)
{
	if (!fat_is(*bytes))
		return 0;
	int error = fat_find(*bytes, ld->arch->cputype, ld->arch->cpusubtype, bytes);
	if (error == KEXT_ERR_ARCH_NOT_FOUND)
		return ld_error(ld, "ld.arch", name, NULL,
				"holds several architectures, but not %s",
				ld->arch->name);
	if (error == KEXT_ERR_BAD_DATA)
		return ld_error(ld, "ld.object", name, NULL,
				"a slice of the fat file lies outside it");
	return error;
}

static bool is_macho(struct bytes bytes)
{
	if (bytes.size < 4)
		return false;
	uint32_t magic = load32(bytes.data, false);
	return magic == MH_MAGIC || magic == MH_MAGIC_64 || magic == MH_CIGAM ||
	       magic == MH_CIGAM_64;
}

static int read_bytes(struct linker *ld, const char *name, struct bytes bytes,
		      bool load_all)
{
	int error = take_slice(ld, name, &bytes);
	if (error)
		return error;
	if (ld_ar_is(bytes))
		return ld_archive_open(ld, name, bytes, load_all);
	if (!is_macho(bytes))
		return refuse(ld, name, bytes);
	struct ld_object *object;
	error = ld_object_parse(ld, name, bytes, &object);
	return error ? error : ld_object_load(ld, object);
}

static int read_input(struct linker *ld, const struct kext_ld_input *input)
{
	bool load_all = input->all_members || ld->options->all_load;
	if (input->data)
		return read_bytes(ld, input->path, bytes_of(input->data, input->size),
				  load_all);
	const char *path = input->path;
	if (input->is_library) {
		path = NULL;
		int error = resolve_library(ld, input->path, &path);
		if (error || !path)
			return error;
	} else if (is_runtime_path(path) && access(path, F_OK)) {
		return 0;
	}
	struct bytes bytes;
	int error = map_file(ld, path, &bytes);
	return error ? error : read_bytes(ld, path, bytes, load_all);
}

/* Symbols that the caller wants are looked for as if an object referred to them. */
static int want_symbols(struct linker *ld)
{
	for (size_t i = 0; i < ld->options->undefined_count; i++) {
		struct ld_symbol *symbol =
			ld_symbol_intern(ld, ld->options->undefined[i]);
		if (!symbol)
			return -ENOMEM;
		symbol->is_wanted = symbol->is_used = true;
		symbol->is_strong_reference = true;
	}
	return 0;
}

/* A file that is refused does not hide what is wrong with the next. */
int ld_read_inputs(struct linker *ld)
{
	int error = want_symbols(ld);
	if (error)
		return error;
	for (size_t i = 0; i < ld->options->input_count; i++) {
		error = read_input(ld, &ld->options->inputs[i]);
		if (error && error != KEXT_ERR_LINK)
			return error;
	}
	if (ld->objects.count == 0 && ld->error_count == 0)
		return ld_error(ld, "ld.object", ld->options->output, NULL,
				"there is no object to link");
	return ld_verdict(ld);
}
