/*
 * Making a prelinked kernel: link all kexts, lay their images out back to back, describe
 * each in the information dictionary, fill the kernel.
 */
#include <errno.h>
#include <sha2.h>
#include "archive/prelink.h"
#include "archive/prelink_write.h"
#include "archive/volume.h"
#include "base/memory.h"

struct build {
	const struct kext_prelink_options *options;
	struct kext_diagnostics *diagnostics;
	struct prelink_kernel kernel;
	struct kext_linkset *set;
	struct prelink_place *places; /* of what has code, those linked first */
	size_t place_count;
	uint64_t text_size;
	struct kext_value *root, *infos;
	SHA2_CTX sum;
	uint8_t id[PRELINK_ID_SIZE];
};

/* ---- placing ---- */

static uint64_t round_page(uint64_t size)
{
	return (size + PRELINK_PAGE - 1) & ~(PRELINK_PAGE - 1);
}

static bool has_code(const struct kext_linked *linked)
{
	return linked->data || (linked->is_kernel_component &&
				kext_bundle_has_executable(linked->bundle));
}

static int by_load(const void *a, const void *b)
{
	const struct prelink_place *left = a, *right = b;
	return (left->load > right->load) - (left->load < right->load);
}

static int add_linked(struct build *build, size_t index)
{
	const struct kext_linked *linked = kext_linkset_at(build->set, index);
	struct prelink_place *place = &build->places[build->place_count++];
	*place = (struct prelink_place){.kext = index,
					.image = bytes_of(linked->data, linked->size),
					.load = linked->address};
	if (!build->options->strip_symbols)
		return 0;
	int error = prelink_strip(place->image, kext_bundle_name(linked->bundle),
				  linked->kmod_info - linked->address, build->diagnostics,
				  &place->stripped, &place->image.size);
	if (error == 0)
		place->image.data = place->stripped;
	return error;
}

/* A KPI's symbol list goes in as it is, behind all that was linked. */
static int add_interface(struct build *build, size_t index, uint64_t *load)
{
	const void *data;
	size_t size;
	int error =
		kext_bundle_slice(kext_linkset_at(build->set, index)->bundle,
				  build->options->arch, build->diagnostics, &data, &size);
	if (error < 0)
		return error;
	build->places[build->place_count++] = (struct prelink_place){
		.kext = index, .image = bytes_of(data, size), .load = *load};
	*load += round_page(size);
	return 0;
}

/*
 * Images lie in the order of their load addresses. Where these are not those at which the
 * bytes lie, stripped ones move together; elsewhere what they lost stays empty.
 */
static void assign_offsets(struct build *build)
{
	bool is_tight = build->kernel.load != build->kernel.source;
	qsort(build->places, build->place_count, sizeof(*build->places), by_load);
	for (size_t i = 0; i < build->place_count; i++) {
		struct prelink_place *place = &build->places[i];
		place->offset =
			is_tight ? build->text_size : place->load - build->kernel.load;
		build->text_size = place->offset + round_page(place->image.size);
	}
}

static int place_all(struct build *build)
{
	size_t count = kext_linkset_count(build->set);
	uint64_t end = build->kernel.load;
	int error = 0;
	build->places = mem_zero(count + 1, sizeof(*build->places));
	if (!build->places)
		return -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++) {
		const struct kext_linked *linked = kext_linkset_at(build->set, i);
		if (!linked->data)
			continue;
		error = add_linked(build, i);
		if (linked->address + linked->size > end)
			end = linked->address + linked->size;
	}
	for (size_t i = 0; error == 0 && i < count; i++) {
		const struct kext_linked *linked = kext_linkset_at(build->set, i);
		if (!linked->data && has_code(linked))
			error = add_interface(build, i, &end);
	}
	if (error == 0)
		assign_offsets(build);
	return error;
}

static void copy_images(const struct build *build, uint8_t *text)
{
	for (size_t i = 0; i < build->place_count; i++) {
		const struct prelink_place *place = &build->places[i];
		if (place->image.size)
			memcpy(text + place->offset, place->image.data,
			       place->image.size);
	}
}

static const struct prelink_place *place_of(const struct build *build, size_t kext)
{
	for (size_t i = 0; i < build->place_count; i++)
		if (build->places[i].kext == kext)
			return &build->places[i];
	return NULL;
}

/* ---- describing ---- */

static int set_integer(struct kext_value *info, const char *key, uint64_t value)
{
	return kext_value_set(info, key, kext_value_new_integer(value, 64));
}

static int describe_code(const struct build *build, const struct prelink_place *place,
			 const struct kext_linked *linked, struct kext_value *info)
{
	const char *path = kext_bundle_executable_path(linked->bundle);
	int error = 0;
	if (path)
		error = kext_value_set(info, PRELINK_KEY_EXECUTABLE_PATH,
				       kext_value_new_string(path));
	if (error == 0)
		error = set_integer(info, PRELINK_KEY_SOURCE,
				    build->kernel.source + place->offset);
	if (error == 0)
		error = set_integer(info, PRELINK_KEY_LOAD, place->load);
	if (error == 0)
		error = set_integer(info, PRELINK_KEY_SIZE,
				    round_page(place->image.size));
	return error == 0 ? set_integer(info, PRELINK_KEY_KMOD_INFO, linked->kmod_info)
			  : error;
}

/* The identity of the whole: each kext's address and UUID. */
static int sum_kext(struct build *build, const struct prelink_place *place,
		    const char *name)
{
	_cleanup_macho_ struct macho macho = {0};
	uint8_t address[8];
	int error = macho_parse(place->image, name, build->diagnostics, &macho);
	if (error < 0)
		return error;
	store64(address, place->load, false);
	SHA256Update(&build->sum, address, sizeof(address));
	if (macho.has_uuid)
		SHA256Update(&build->sum, macho.uuid, sizeof(macho.uuid));
	return 0;
}

/* kextd sends the others' personalities when it runs. */
static int drop_personalities(struct build *build, const struct kext_bundle *bundle,
			      struct kext_value *info)
{
	static const char key[] = "IOKitPersonalities";
	const struct kext_arch *arch = build->options->arch;
	if (build->options->all_personalities ||
	    prelink_is_boot_required(bundle, arch, false))
		return 0;
	_cleanup_free_ char *own =
		mem_format("%s_%s", key, kext_arch_generic_name(arch->cputype));
	if (!own)
		return -ENOMEM;
	kext_value_remove(info, key);
	kext_value_remove(info, own);
	return 0;
}

static int add_kext(struct build *build, size_t index)
{
	const struct kext_linked *linked = kext_linkset_at(build->set, index);
	const struct prelink_place *place = place_of(build, index);
	struct kext_value *info = kext_value_copy(kext_bundle_info(linked->bundle));
	if (!info)
		return -ENOMEM;
	const char *path = volume_path(kext_bundle_path(linked->bundle),
				       build->options->volume_root);
	int error = drop_personalities(build, linked->bundle, info);
	if (error == 0)
		error = kext_value_set(info, PRELINK_KEY_BUNDLE_PATH,
				       kext_value_new_string(path));
	if (error == 0 && place)
		error = sum_kext(build, place, kext_bundle_name(linked->bundle));
	if (error == 0 && place)
		error = describe_code(build, place, linked, info);
	if (error == 0)
		return kext_value_append(build->infos, info);
	kext_value_unref(info);
	return error;
}

static int add_all(struct build *build)
{
	int error = 0;
	SHA256Init(&build->sum);
	if (build->kernel.macho.has_uuid)
		SHA256Update(&build->sum, build->kernel.macho.uuid,
			     sizeof(build->kernel.macho.uuid));
	for (size_t i = 0; error == 0 && i < kext_linkset_count(build->set); i++)
		error = add_kext(build, i);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256Final(digest, &build->sum);
	memcpy(build->id, digest, sizeof(build->id));
	return error;
}

/* ---- the whole ---- */

static int write_info(struct build *build, char **ret_text, size_t *ret_size)
{
	int error = kext_value_set(build->root, PRELINK_KEY_INFOS,
				   kext_value_ref(build->infos));
	if (error == 0)
		error = kext_value_set(build->root, PRELINK_KEY_ID,
				       kext_value_new_data(build->id, sizeof(build->id)));
	if (error == 0)
		error = kext_value_to_xml(build->root, KEXT_XML_SHARE, ret_text,
					  ret_size);
	return error;
}

static int fill_kernel(struct build *build, struct kext_prelinked **ret)
{
	_cleanup_buffer_ struct buffer out = {0};
	_cleanup_free_ char *text = NULL;
	uint8_t *images;
	size_t size;
	int error = write_info(build, &text, &size);
	/* The text's NUL counts. */
	if (error == 0)
		error = prelink_kernel_fill(&build->kernel, build->text_size,
					    bytes_of(text, size + 1), &out, &images);
	if (error == 0)
		copy_images(build, images);
	struct kext_prelinked *prelinked =
		error == 0 ? mem_zero(1, sizeof(*prelinked)) : NULL;
	if (!prelinked)
		return error < 0 ? error : -ENOMEM;
	prelinked->data = buffer_steal(&out, &prelinked->size);
	prelinked->set = build->set;
	build->set = NULL;
	memcpy(prelinked->id, build->id, sizeof(prelinked->id));
	*ret = prelinked;
	return 0;
}

int kext_prelink(const struct kext_prelink_options *options,
		 struct kext_diagnostics *diagnostics,
		 struct kext_prelinked **ret_prelinked)
{
	struct build build = {.options = options, .diagnostics = diagnostics};
	int error = prelink_kernel_open(options->kernel, diagnostics, &build.kernel);
	if (error < 0)
		return error;
	build.root = kext_value_new_dictionary();
	build.infos = kext_value_new_array();
	error = build.root && build.infos ? prelink_link(options, build.kernel.load,
							 diagnostics, &build.set)
					  : -ENOMEM;
	if (error == 0)
		error = place_all(&build);
	if (error == 0)
		error = add_all(&build);
	if (error == 0)
		error = fill_kernel(&build, ret_prelinked);
	kext_linkset_free(build.set);
	for (size_t i = 0; i < build.place_count; i++)
		free(build.places[i].stripped);
	free(build.places);
	kext_value_unref(build.root);
	kext_value_unref(build.infos);
	prelink_kernel_close(&build.kernel);
	return error;
}

struct kext_prelinked *kext_prelinked_free(struct kext_prelinked *prelinked)
{
	if (!prelinked)
		return NULL;
	kext_linkset_free(prelinked->set);
	free(prelinked->data);
	free(prelinked);
	return NULL;
}

void *kext_prelinked_take(struct kext_prelinked *prelinked, size_t *ret_size)
{
	void *data = prelinked->data;
	prelinked->data = NULL;
	*ret_size = prelinked->size;
	return data;
}

const struct kext_linkset *kext_prelinked_set(const struct kext_prelinked *prelinked)
{
	return prelinked->set;
}

const uint8_t *kext_prelinked_id(const struct kext_prelinked *prelinked)
{
	return prelinked->id;
}
