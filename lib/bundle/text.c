/* Reading Info.plist again for those who keep its very bytes; see text.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "base/memory.h"
#include "bundle/bundle.h"
#include "bundle/text.h"

#define TEXT_LIMIT (UINT64_C(1) << 20)

static int refuse(struct kext_bundle *bundle, struct kext_diagnostics *diagnostics,
		  int error)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "file.access", bundle->name, NULL,
		      "Info.plist cannot be read again: %s",
		      error == KEXT_ERR_AUTHENTICATION ? "it was replaced meanwhile"
						       : kext_error_string(error));
	return error;
}

static int copy_file(struct kext_bundle *bundle, int fd, void **ret, size_t *ret_size)
{
	struct file_map map;
	int error = file_map_fd(fd, TEXT_LIMIT, &map);
	if (error < 0)
		return error;
	struct file_identity identity = file_identity_of(&map.stat);
	void *copy = NULL;
	if (!file_identity_equal(&identity, &bundle->info_file))
		error = KEXT_ERR_AUTHENTICATION;
	else if (!(copy = mem_copy(map.bytes.data, map.bytes.size)))
		error = -ENOMEM;
	if (error == 0) {
		*ret = copy;
		*ret_size = map.bytes.size;
	}
	file_unmap(&map);
	return error;
}

int bundle_info_text(struct kext_bundle *bundle, struct kext_diagnostics *diagnostics,
		     void **ret, size_t *ret_size)
{
	char name[64];
	if (!bundle->info_file.is_known)
		return kext_value_to_xml(bundle->info, KEXT_XML_PLIST, (char **)ret,
					 ret_size);
	_cleanup_fd_ int folder = bundle_reopen(bundle, diagnostics);
	if (folder < 0)
		return folder;
	snprintf(name, sizeof(name), "%sInfo.plist", bundle->base);
	_cleanup_fd_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : copy_file(bundle, fd, ret, ret_size);
	return error < 0 ? refuse(bundle, diagnostics, error) : 0;
}
