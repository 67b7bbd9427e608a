/*
 * The system's own folders of kexts, its prelinked kernel, and the caches that are kept
 * of folders.
 */
#ifndef COMMON_SYSTEMCACHES_H
#define COMMON_SYSTEMCACHES_H

#include <kext/repository.h>
#include "common/options.h"

/* ROOT/RELATIVE below the folder that stands for /; free(), exits without memory. */
char *systemcaches_path(const struct kext_context *context, const char *relative);
/* Adds the folders that are there; free each. */
void systemcaches_folders(const struct kext_context *context,
			  struct option_list *folders);
/* Whether a path is one of these folders, however it is spelled. */
bool systemcaches_is_folder(const struct option_list *folders, const char *path);
/*
 * Writes a repository cache of each folder beside it, and an identifier cache unless that
 * is for others to write; an exit status.
 */
int systemcaches_write_folders(struct kext_context *context,
			       const struct option_list *folders);
/* Writes an identifier cache of each, and what all their kexts say of some properties. */
int systemcaches_write(struct kext_context *context, const struct option_list *folders);

#endif
