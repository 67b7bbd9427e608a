/*
 * The static linker: relocatable Mach-O objects and archives of them to MH_KEXT_BUNDLE.
 */
#ifndef KEXT_LD_H
#define KEXT_LD_H

#include <kext/arch.h>
#include <kext/context.h>
#include <kext/diagnostic.h>

struct kext_ld_input {
	const char *path;	/* a file, or with is_library the name behind -l */
	bool is_library;
	bool all_members;	/* -force_load */
	const void *data;	/* the file's bytes, when they are in memory; then `path` is */
	size_t size;		/* only a name, and the bytes must outlive the link */
};

struct kext_ld_options {
	const char *output;			/* path of the result */
	const struct kext_arch *arch;		/* NULL: x86_64 */
	const struct kext_ld_input *inputs;	/* in the order of the command line */
	size_t input_count;
	const char *const *library_folders;	/* -L, in order */
	size_t library_folder_count;
	const char *const *undefined;		/* -u: symbols to start the search with */
	size_t undefined_count;
	const char *const *exported;		/* -exported_symbols_list; NULL: all */
	size_t exported_count;
	const char *const *unexported;
	size_t unexported_count;
	const char *map_path;			/* -map; NULL */
	bool dead_strip, strip_locals, strip_debug, all_load, no_uuid;
	uint64_t source_version;		/* -source_version; 0: none */
};

/*
 * Links and publishes the output (mode 0755 less the umask). KEXT_ERR_LINK with diagnostics
 * "ld.duplicate", "ld.arch", "ld.object", "ld.library", … that name file and symbol, or system errors.
 */
KEXT_API KEXT_MUST_CHECK int kext_ld(struct kext_context *context,
				     const struct kext_ld_options *options,
				     struct kext_diagnostics *diagnostics);

#endif
