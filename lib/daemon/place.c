/*
 * Putting one kext into the kernel: the linker runs here, in kextd, and asks the kernel
 * for room; the image travels as a sealed memfd. What was reserved is given back when
 * anything fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <kext/providers.h>
#include "base/memory.h"
#include "daemon/load.h"
#include "macho/macho.h"

/* One kext on its way into the kernel. */
struct placing {
	struct load *load;
	const struct kext_load_list *list;
	const struct kext_load_item *item;
	const char *identifier;
	bool is_reserved;
	uint32_t tag;
	ARRAY_OF(struct kext_link_dependency) dependencies;
	ARRAY_OF(struct kernel_image *) held; /* images that `dependencies` borrows */
	struct kext_link_result linked;
	struct kext_providers *providers; /* when a name is unresolved */
};

static int kernel_says(struct placing *placing, const char *what, struct bytes reply)
{
	uint32_t code = fields_u32(reply, FIELD_ERROR);
	if (code == 0)
		return 0;
	kext_diagnose(placing->load->diagnostics, KEXT_ERROR, "load.refused",
		      placing->identifier, NULL, "the kernel refuses to %s it: %s (0x%x)",
		      what, kext_error_string(kext_error_from_osreturn(code)), code);
	return kext_error_from_osreturn(code);
}

/* ---- what it is linked against ---- */

static int add_dependency(struct placing *placing, size_t index, bool is_direct)
{
	const struct kext_load_item *item = kext_load_list_at(placing->list, index);
	struct load *load = placing->load;
	struct kext_link_dependency found = {.is_direct = is_direct};
	struct kernel_image *image = NULL;
	if (item->is_kernel_component) {
		found.image = load->daemon->catalog.kernel_image;
		int error = item->bundle ? catalog_interface(load->daemon, item->bundle,
							     load->diagnostics,
							     &found.interface)
					 : 0;
		if (error < 0)
			return error;
	} else if (item->loaded) {
		image = kernel_find_image(load->kernel, item->loaded->tag);
		if (!image)
			return 0; /* codeless */
		found.image = image->image;
	} else {
		return 0; /* codeless: everything else is loaded by now */
	}
	struct kernel_image **held = image ? array_push(&placing->held) : NULL;
	if (held)
		*held = image;
	struct kext_link_dependency *place = array_push(&placing->dependencies);
	if (!place || (image && !held)) {
		if (!held)
			kernel_image_unref(image);
		return -ENOMEM;
	}
	*place = found;
	return 0;
}

static int collect_dependencies(struct placing *placing)
{
	const struct kext_load_item *item = placing->item;
	int error = 0;
	for (size_t i = 0; error == 0 && i < item->direct_count; i++)
		error = add_dependency(placing, item->direct[i], true);
	for (size_t i = 0; error == 0 && i < item->indirect_count; i++)
		error = add_dependency(placing, item->indirect[i], false);
	return error;
}

/* ---- linking ---- */

/* The linker's question for room goes to the kernel. */
static int reserve(void *data, uint64_t size, uint64_t *ret_address)
{
	struct placing *placing = data;
	struct frame reply;
	_cleanup_buffer_ struct buffer body = {0};
	fields_put_u64(&body, FIELD_SIZE, size);
	fields_put_text(&body, FIELD_IDENTIFIER, placing->identifier);
	int error = kernel_call(placing->load->kernel, KERNEL_RESERVE, &body, -1, NULL,
				&reply);
	if (error < 0)
		return error;
	struct bytes fields = bytes_of(reply.body, reply.size);
	error = kernel_says(placing, "make room for", fields);
	if (error == 0) {
		placing->is_reserved = true;
		placing->tag = fields_u32(fields, FIELD_TAG);
		*ret_address = fields_u64(fields, FIELD_ADDRESS);
	}
	frame_free(&reply);
	return error;
}

/* Who else exports a name, from the repository of this load. */
static char *advise(void *data, const char *symbol)
{
	struct placing *placing = data;
	struct load *load = placing->load;
	if (!placing->providers && kext_providers_new(load->repository, kext_arch_host(),
						      &placing->providers) < 0)
		return NULL;
	return kext_providers_advise(placing->providers, placing->item->bundle,
				     kext_arch_host(), symbol);
}

static int link_item(struct placing *placing)
{
	struct load *load = placing->load;
	struct kext_link_request request = {
		.name = placing->identifier,
		.dependencies = placing->dependencies.items,
		.dependency_count = placing->dependencies.count,
		.allocate = reserve,
		.allocate_data = placing,
		.allow_missing = load->allow_missing,
		.advise = advise,
		.advise_data = placing,
	};
	int error = kext_bundle_slice(placing->item->bundle, kext_arch_host(),
				      load->diagnostics, &request.data, &request.size);
	return error < 0 ? error
			 : kext_link(&request, load->diagnostics, &placing->linked);
}

/* ---- mapping ---- */

static int make_memfd(const struct kext_link_result *linked)
{
	int fd = memfd_create("kext", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int error = file_write_all(fd, linked->data, linked->size);
	if (error == 0 &&
	    fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		error = -errno;
	if (error == 0)
		return fd;
	file_close(fd);
	return error;
}

static void put_segments(struct buffer *body, const struct macho *macho)
{
	array_for_each (segment, &macho->segments) {
		if (!segment->size)
			continue;
		size_t begun = fields_begin(body, FIELD_SEGMENT);
		fields_put_u64(body, FIELD_ADDRESS, segment->address);
		fields_put_u64(body, FIELD_SIZE, segment->size);
		fields_put_u32(body, FIELD_PROTECTION, segment->initprot);
		fields_put_text(body, FIELD_NAME, segment->name);
		fields_end(body, begun);
	}
}

/* Before 10.6 the arrays had names of their own, in whatever segment. */
static bool holds_constructors(const struct macho_section *section)
{
	return strcmp(section->name, "__mod_init_func") == 0 ||
	       strcmp(section->name, "__constructor") == 0;
}

static bool holds_destructors(const struct macho_section *section)
{
	return strcmp(section->name, "__mod_term_func") == 0 ||
	       strcmp(section->name, "__destructor") == 0;
}

/* Arrays of functions that the kernel calls around start and stop. */
static void put_functions(struct buffer *body, const struct macho *macho)
{
	array_for_each (section, &macho->sections) {
		bool is_init = holds_constructors(section);
		if ((!is_init && !holds_destructors(section)) || !section->size)
			continue;
		size_t begun = fields_begin(body, is_init ? FIELD_CONSTRUCTORS
							  : FIELD_DESTRUCTORS);
		fields_put_u64(body, FIELD_ADDRESS, section->address);
		fields_put_u64(body, FIELD_SIZE, section->size);
		fields_end(body, begun);
	}
}

static void put_dependencies(struct buffer *body, const struct placing *placing)
{
	for (size_t i = 0; i < placing->item->direct_count; i++) {
		const struct kext_load_item *item =
			kext_load_list_at(placing->list, placing->item->direct[i]);
		if (item->loaded)
			fields_put_u32(body, FIELD_DEPENDENCY, item->loaded->tag);
	}
}

/* What is too large for the frame is left out: it is of use to a debugger only. */
static void put_debug_symbols(struct buffer *body, const struct macho *macho)
{
	_cleanup_buffer_ struct buffer symbols = {0};
	debug_symbols_make(macho, &symbols);
	if (!buffer_error(&symbols) && symbols.size <= FIELDS_MAX_DEBUG_SYMBOLS)
		fields_put_bytes(body, FIELD_DEBUG_SYMBOLS, symbols.data, symbols.size);
}

static void put_description(struct buffer *body, const struct placing *placing,
			    const struct macho *macho)
{
	const struct kext_bundle *bundle = placing->item->bundle;
	int64_t compatible = kext_bundle_compatible_version(bundle);
	char text[KEXT_VERSION_TEXT_MAX];
	fields_put_u32(body, FIELD_TAG, placing->tag);
	fields_put_text(body, FIELD_IDENTIFIER, placing->identifier);
	fields_put_text(body, FIELD_VERSION,
			kext_version_format(kext_bundle_version(bundle), text));
	if (compatible)
		fields_put_text(body, FIELD_COMPATIBLE,
				kext_version_format(compatible, text));
	fields_put_text(body, FIELD_PATH, kext_bundle_path(bundle));
	if (macho->has_uuid)
		fields_put_bytes(body, FIELD_UUID, macho->uuid, 16);
	fields_put_u64(body, FIELD_KMOD_INFO, placing->linked.kmod_info);
	fields_put_u64(body, FIELD_WIRED, placing->linked.size);
	fields_put_u32(body, FIELD_MISSING,
		       placing->linked.missing_direct + placing->linked.missing_slots);
	fields_put_u32(body, FIELD_DELAY, placing->load->delays_autounload);
	put_dependencies(body, placing);
	put_segments(body, macho);
	put_functions(body, macho);
	put_debug_symbols(body, macho);
}

static int map_linked(struct placing *placing, const struct macho *macho)
{
	struct frame reply;
	_cleanup_buffer_ struct buffer body = {0};
	_cleanup_fd_ int memfd = make_memfd(&placing->linked);
	if (memfd < 0)
		return memfd;
	put_description(&body, placing, macho);
	int error = kernel_call(placing->load->kernel, KERNEL_MAP, &body, memfd, NULL,
				&reply);
	if (error < 0)
		return error;
	error = kernel_says(placing, "map", bytes_of(reply.body, reply.size));
	frame_free(&reply);
	return error;
}

static int map_item(struct placing *placing)
{
	struct macho macho;
	int error = macho_parse(bytes_of(placing->linked.data, placing->linked.size),
				placing->identifier, placing->load->diagnostics, &macho);
	if (error < 0)
		return error;
	error = map_linked(placing, &macho);
	macho_free(&macho);
	return error;
}

/* ---- keeping it for those that come later ---- */

static int fill_image(struct placing *placing, struct kernel_image *image)
{
	image->tag = placing->tag;
	image->identifier = mem_string(placing->identifier);
	image->path = mem_string(kext_bundle_path(placing->item->bundle));
	image->data = placing->linked.data;
	placing->linked.data = NULL;
	if (!image->identifier || !image->path)
		return -ENOMEM;
	return kext_image_open(image->data, placing->linked.size, placing->identifier,
			       placing->load->diagnostics, &image->image);
}

static int keep_image(struct placing *placing)
{
	struct kernel_image *image = mem_zero(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	image->references = 1;
	int error = fill_image(placing, image);
	if (error == 0)
		error = kernel_add_image(placing->load->kernel, image);
	if (error < 0)
		kernel_image_unref(image);
	return error;
}

/* ---- the whole ---- */

static void give_up(struct placing *placing)
{
	struct frame reply;
	_cleanup_buffer_ struct buffer body = {0};
	if (!placing->is_reserved)
		return;
	fields_put_u32(&body, FIELD_TAG, placing->tag);
	if (kernel_call(placing->load->kernel, KERNEL_ABORT, &body, -1, NULL, &reply) ==
	    0)
		frame_free(&reply);
}

static void free_placing(struct placing *placing)
{
	array_for_each (image, &placing->held)
		kernel_image_unref(*image);
	array_free(&placing->held);
	array_free(&placing->dependencies);
	kext_providers_free(placing->providers);
	free(placing->linked.data);
}

int place_item(struct load *load, const struct kext_load_list *list, size_t index,
	       uint32_t *ret_tag)
{
	struct placing placing = {
		.load = load,
		.list = list,
		.item = kext_load_list_at(list, index),
	};
	placing.identifier = kext_bundle_identifier(placing.item->bundle);
	int error = collect_dependencies(&placing);
	if (error == 0)
		error = link_item(&placing);
	if (error == 0)
		error = map_item(&placing);
	if (error == 0)
		error = keep_image(&placing);
	if (error < 0)
		give_up(&placing);
	else
		*ret_tag = placing.tag;
	free_placing(&placing);
	return error;
}
