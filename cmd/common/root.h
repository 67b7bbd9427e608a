/*
 * --root FOLDER, which is $KEXT_ROOT: the folder that stands for / where a path is one of
 * Darwin's own places.
 */
#ifndef COMMON_ROOT_H
#define COMMON_ROOT_H

#include "common/options.h"

#define OPTION_ROW_ROOT                                                                  \
	{                                                                                \
		.name = "root", .kind = OPTION_CALL, .argument = "FOLDER",               \
		.help = "what stands for / in Darwin's places", .call = root_set         \
	}

/* Sets it for this process and for a daemon that it starts; leaves for what is no folder.
 */
void root_set(const char *folder);
/*
 * With a root: puts it before those paths that lie in /System/Library/Extensions or
 * /Library/Extensions by their text. The changed ones live on.
 */
void root_apply(struct option_list *paths);
/* With a root: adds its system folders that exist. False without a root. */
bool root_folders(struct option_list *folders);

#endif
