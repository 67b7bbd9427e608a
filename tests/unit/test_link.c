/*
 * The linker's interface where the model does not reach: images and their symbols, what
 * the findings say, want of memory, and links side by side. Bytes are tests/cli/link.sh's
 * matter.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <kext/link.h>
#include "base/bytes.h"
#include "base/memory.h"
#include "link/names.h"
#include "macho/builder.h"

#define KERNEL	0xffffff8000200000ull
#define ADDRESS 0xffffff7f80e00000ull

struct file {
	uint8_t *data;
	size_t size;
};

static struct file finish(struct macho_builder *b)
{
	struct file file;
	assert_int_equal(macho_builder_finish(b, &file.data, &file.size), 0);
	macho_builder_free(b);
	return file;
}

static struct file build_kernel(void)
{
	struct macho_builder b = {.cputype = KEXT_CPU_X86_64, .filetype = MH_EXECUTE};
	unsigned text = macho_builder_segment(&b, "__TEXT", KERNEL, 0x2000, 5);
	unsigned code = macho_builder_section(&b, text, "__text", KERNEL + 0x1000, 0x1000,
					      4, 0, NULL);
	macho_builder_symbol(&b, "_hidden", N_SECT, code, 0, KERNEL + 0x1000);
	macho_builder_symbol(&b, "_printf", N_SECT | N_EXT, code, 0, KERNEL + 0x1010);
	macho_builder_symbol(&b, "_panic", N_SECT | N_EXT, code, 0, KERNEL + 0x1040);
	macho_builder_symbol(&b, "_limit", N_ABS | N_EXT, 0, 0, 7);
	return finish(&b);
}

static struct file build_kext(const char *const *undefined, size_t count)
{
	uint8_t content[0x200] = {0};
	struct macho_builder b = {.cputype = KEXT_CPU_X86_64,
				  .filetype = MH_KEXT_BUNDLE,
				  .with_dysymtab = true,
				  .linkedit_address = 0x2000};
	unsigned text = macho_builder_segment(&b, "__TEXT", 0, 0x1000, 5);
	unsigned code =
		macho_builder_section(&b, text, "__text", 0x800, 16, 4, 0, content);
	unsigned data = macho_builder_segment(&b, "__DATA", 0x1000, 0x1000, 3);
	unsigned info = macho_builder_section(&b, data, "__data", 0x1000, sizeof(content),
					      4, 0, content);
	macho_builder_symbol(&b, "_own", N_SECT | N_EXT, code, 0, 0x800);
	macho_builder_symbol(&b, "_kmod_info", N_SECT | N_EXT, info, 0, 0x1010);
	for (size_t i = 0; i < count; i++)
		macho_builder_symbol(&b, undefined[i], N_EXT, 0, 0, 0);
	return finish(&b);
}

static struct file build_interface(const char *name)
{
	struct macho_builder b = {.cputype = KEXT_CPU_X86_64, .filetype = MH_KEXT_BUNDLE};
	macho_builder_symbol(&b, name, N_EXT, 0, 0, 0);
	return finish(&b);
}

static struct kext_image *open_file(struct file file, const char *name)
{
	struct kext_image *image;
	assert_int_equal(kext_image_open(file.data, file.size, name, NULL, &image), 0);
	return image;
}

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	if (data)
		*(uint64_t *)data = size;
	*ret_address = ADDRESS;
	return 0;
}

static int link_file(struct file kext, const struct kext_link_dependency *dependencies,
		     size_t count, struct kext_diagnostics *list,
		     struct kext_link_result *ret)
{
	struct kext_link_request request = {
		.data = kext.data,
		.size = kext.size,
		.name = "org.test.kext",
		.dependencies = dependencies,
		.dependency_count = count,
		.allocate = allocate,
	};
	return kext_link(&request, list, ret);
}

static void image_answers_for_symbols(void **state)
{
	(void)state;
	struct file file = build_kernel();
	struct kext_image *image = open_file(file, "kernel");
	uint64_t offset = 0;
	assert_int_equal(kext_image_symbol_address(image, "_printf"), KERNEL + 0x1010);
	assert_int_equal(kext_image_symbol_address(image, "_hidden"), KERNEL + 0x1000);
	assert_int_equal(kext_image_symbol_address(image, "_none"), 0);
	assert_string_equal(kext_image_symbol_near(image, KERNEL + 0x1035, &offset),
			    "_printf");
	assert_int_equal(offset, 0x25);
	assert_string_equal(kext_image_symbol_near(image, KERNEL + 0x1040, &offset),
			    "_panic");
	assert_int_equal(offset, 0);
	assert_null(kext_image_symbol_near(image, KERNEL, &offset));
	assert_non_null(kext_image_uuid(image));
	assert_ptr_equal(kext_image_ref(image), image);
	assert_null(kext_image_unref(image));
	assert_int_equal(kext_image_symbol_address(image, "_panic"), KERNEL + 0x1040);
	assert_null(kext_image_unref(image));
	assert_null(kext_image_unref(NULL));
	free(file.data);
}

static void image_refuses_what_is_none(void **state)
{
	(void)state;
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct kext_image *image = (struct kext_image *)state;
	assert_int_equal(
		kext_image_open("hello, this is no Mach-O file", 29, "x", list, &image),
		KEXT_ERR_LINK);
	assert_ptr_equal(image, state);
	assert_int_equal(kext_diagnostics_count(list, KEXT_ERROR), 1);
	kext_diagnostics_free(list);
}

static void link_reports_size_and_address(void **state)
{
	(void)state;
	static const char *const names[] = {"_printf"};
	struct file file = build_kernel(), kext = build_kext(names, 1);
	struct kext_image *kernel = open_file(file, "kernel");
	struct kext_link_dependency dependency = {kernel, NULL, true};
	uint64_t asked = 0;
	struct kext_link_request request = {.data = kext.data,
					    .size = kext.size,
					    .dependencies = &dependency,
					    .dependency_count = 1,
					    .allocate = allocate,
					    .allocate_data = &asked};
	struct kext_link_result result;
	assert_int_equal(kext_link(&request, NULL, &result), 0);
	assert_int_equal(result.address, ADDRESS);
	assert_int_equal(result.kmod_info, ADDRESS + 0x1010);
	assert_int_equal(result.size, 0x3000);
	assert_int_equal(asked, 0x3000);
	/* kmod_info.address and .size, at 156 and 164 of the packed structure */
	assert_int_equal(load64(result.data + 0x1010 + 156, false), ADDRESS);
	assert_int_equal(load64(result.data + 0x1010 + 164, false), 0x3000);
	free(result.data);
	kext_image_unref(kernel);
	free(file.data);
	free(kext.data);
}

static bool any_message_has(struct kext_diagnostics *list, const char *slug,
			    const char *text)
{
	for (size_t i = 0; i < kext_diagnostics_length(list); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(list, i);
		if (strcmp(d->slug, slug) == 0 &&
		    (strstr(d->message, text) || (d->hint && strstr(d->hint, text))))
			return true;
	}
	return false;
}

static void unresolved_names_are_explained(void **state)
{
	(void)state;
	static const char *const names[] = {"__ZN9IOService5probeEPS_Pi", "_panic",
					    "_nowhere"};
	struct file file = build_kernel(), kext = build_kext(names, 3);
	struct file set = build_interface("_panic"), other = build_interface("_printf");
	struct kext_image *kernel = open_file(file, "kernel");
	struct kext_image *mach = open_file(set, "com.apple.kpi.mach");
	struct kext_image *bsd = open_file(other, "com.apple.kpi.bsd");
	struct kext_link_dependency dependencies[] = {{kernel, bsd, true},
						      {kernel, mach, false}};
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct kext_link_result result;
	assert_int_equal(link_file(kext, dependencies, 2, list, &result), KEXT_ERR_LINK);
	assert_int_equal(kext_diagnostics_count(list, KEXT_ERROR), 3);
	assert_true(any_message_has(
		list, "link.unresolved",
		"__ZN9IOService5probeEPS_Pi (IOService::probe(IOService*, "
		"int*))"));
	assert_true(any_message_has(list, "link.unresolved",
				    "com.apple.kpi.mach defines it"));
	assert_true(any_message_has(list, "link.unresolved", "_nowhere"));
	kext_diagnostics_free(list);
	kext_image_unref(kernel);
	kext_image_unref(mach);
	kext_image_unref(bsd);
	free(file.data);
	free(kext.data);
	free(set.data);
	free(other.data);
}

static void long_lists_end(void **state)
{
	(void)state;
	const char *names[73];
	for (size_t i = 0; i < 73; i++)
		assert_non_null(names[i] = mem_format("_nowhere%zu", i));
	struct file file = build_kernel(), kext = build_kext(names, 73);
	struct kext_image *kernel = open_file(file, "kernel");
	struct kext_link_dependency dependency = {kernel, NULL, true};
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct kext_link_result result;
	assert_int_equal(link_file(kext, &dependency, 1, list, &result), KEXT_ERR_LINK);
	assert_int_equal(kext_diagnostics_length(list), 51);
	assert_true(any_message_has(list, "link.unresolved", "and 23 more"));
	for (size_t i = 0; i < 73; i++)
		free((void *)names[i]);
	kext_diagnostics_free(list);
	kext_image_unref(kernel);
	free(file.data);
	free(kext.data);
}

static void without_memory_nothing_is_left(void **state)
{
	(void)state;
	static const char *const names[] = {"_printf"};
	struct file file = build_kernel(), kext = build_kext(names, 1);
	struct kext_link_result result;
	int r = -ENOMEM;
	unsigned n = 0;
	while (r == -ENOMEM && n < 1000) {
		struct kext_image *kernel = NULL;
		fault_arm_allocation(++n);
		r = kext_image_open(file.data, file.size, "kernel", NULL, &kernel);
		struct kext_link_dependency dependency = {kernel, NULL, true};
		if (r == 0)
			r = link_file(kext, &dependency, 1, NULL, &result);
		fault_arm_allocation(0);
		kext_image_unref(kernel);
	}
	assert_int_equal(r, 0);
	assert_in_range(n, 10, 999);
	free(result.data);
	free(file.data);
	free(kext.data);
}

struct job {
	struct file kext;
	struct kext_image *kernel;
	struct kext_link_result result;
	int error;
};

static void *link_often(void *data)
{
	struct job *job = data;
	struct kext_link_dependency dependency = {job->kernel, NULL, true};
	for (int i = 0; i < 200 && !job->error; i++) {
		free(job->result.data);
		job->result.data = NULL;
		job->error = link_file(job->kext, &dependency, 1, NULL, &job->result);
	}
	return NULL;
}

static void links_share_images(void **state)
{
	(void)state;
	static const char *const names[] = {"_printf", "_panic"};
	struct file file = build_kernel(), kext = build_kext(names, 2);
	struct kext_image *kernel = open_file(file, "kernel");
	struct job jobs[4];
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		jobs[i] = (struct job){kext, kernel, {0}, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, link_often, &jobs[i]),
				 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(jobs[i].error, 0);
		assert_memory_equal(jobs[i].result.data, jobs[0].result.data, 0x3000);
	}
	for (int i = 0; i < 4; i++)
		free(jobs[i].result.data);
	kext_image_unref(kernel);
	free(file.data);
	free(kext.data);
}

static void names_are_cut_by_length(void **state)
{
	(void)state;
	struct class_name name;
	char buffer[NAME_LIMIT];
	const char *pointer = "__ZN9IOService10superClassE";
	assert_true(name_is_super_pointer(pointer, strlen(pointer), &name));
	assert_int_equal(name.length, strlen("9IOService"));
	assert_true(name_of_vtable(buffer, name));
	assert_string_equal(buffer, "__ZTV9IOService");
	assert_true(name_of_meta_vtable(buffer, name));
	assert_string_equal(buffer, "__ZTVN9IOService9MetaClassE");
	assert_false(name_is_metaclass(pointer, strlen(pointer), &name));
	assert_false(name_is_super_pointer("10superClassE", 13, &name));
	assert_true(name_is_method("__ZNK9IOService5probeEv", &name));
	assert_int_equal(name.length, strlen("9IOService"));
	assert_memory_equal(name.text, "9IOService", name.length);
	assert_false(name_is_method("__ZN99999999999999999999ShortE", &name));
	assert_false(name_is_method("__ZNS_5probeEv", &name));
	assert_false(name_is_method("_printf", &name));
	assert_true(name_is_pad("__ZN9IOService20_RESERVEDIOService0Ev"));
	assert_false(name_is_pad("__ZTV9_RESERVED"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_answers_for_symbols),
		cmocka_unit_test(image_refuses_what_is_none),
		cmocka_unit_test(link_reports_size_and_address),
		cmocka_unit_test(unresolved_names_are_explained),
		cmocka_unit_test(long_lists_end),
		cmocka_unit_test(without_memory_nothing_is_left),
		cmocka_unit_test(links_share_images),
		cmocka_unit_test(names_are_cut_by_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
