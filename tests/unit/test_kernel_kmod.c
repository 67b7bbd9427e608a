/* Loading, listing and unloading, against the real kernel_task. */
#include <time.h>
#include "kernel_driver.h"

static void components_and_hello(void **state)
{
	struct kernel kernel;
	struct bytes kext;
	size_t position = 0;
	uint32_t tag = 1;
	static const char *const names[] = {"bsd",  "dsep",    "iokit",	     "libkern",
					    "mach", "private", "unsupported"};
	(void)state;
	boot(&kernel, NULL);
	assert_string_equal(fields_text(answer(&kernel), FIELD_VERSION), "19.6.0");
	assert_int_equal(fields_bytes(answer(&kernel), FIELD_UUID).size, 16);
	assert_int_equal(fields_u32(answer(&kernel), FIELD_PID), kernel.pid);
	struct buffer body = {0};
	assert_int_equal(ask(&kernel, KERNEL_LIST, &body, -1), 0);
	while (fields_next(answer(&kernel), FIELD_KEXT, &position, &kext)) {
		char name[64];
		snprintf(name, sizeof(name), "com.apple.kpi.%s", names[tag - 1]);
		assert_string_equal(fields_text(kext, FIELD_IDENTIFIER), name);
		assert_string_equal(fields_text(kext, FIELD_VERSION), "19.6.0");
		assert_string_equal(fields_text(kext, FIELD_COMPATIBLE), "8.0.0");
		assert_int_equal(fields_u32(kext, FIELD_TAG), tag++);
		assert_int_equal(fields_u32(kext, FIELD_KIND), 1);
		assert_int_equal(fields_u32(kext, FIELD_STATE), KEXT_STATE_STARTED);
	}
	assert_int_equal(tag, 8);
	assert_int_equal(shut_down(&kernel), 0);
	assert_string_equal(kernel.report, "");
}

static void hello_states_mach_kernels_uuid(void **state)
{
	struct kernel kernel;
	struct file_map map;
	struct macho macho;
	(void)state;
	boot(&kernel, NULL);
	assert_int_equal(file_map_path(AT_FDCWD, in_build("share/kext/mach_kernel"),
				       1u << 30, &map),
			 0);
	assert_int_equal(macho_parse(map.bytes, "mach_kernel", NULL, &macho), 0);
	assert_memory_equal(fields_bytes(answer(&kernel), FIELD_UUID).data, macho.uuid,
			    16);
	macho_free(&macho);
	file_unmap(&map);
	assert_int_equal(shut_down(&kernel), 0);
}

static void load_list_unload(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.simple");
	assert_int_equal(image.tag, 8);
	assert_int_equal(image.address, 0x200010000000ull);
	image.dependencies[image.dependency_count++] = 4;
	assert_int_equal(load_image(&kernel, &image), 0);
	struct bytes kext = listed(&kernel, "test.simple");
	assert_int_equal(fields_u32(kext, FIELD_TAG), 8);
	assert_string_equal(fields_text(kext, FIELD_VERSION), "1.2.3");
	assert_string_equal(fields_text(kext, FIELD_PATH), "/tmp/Test.kext");
	assert_memory_equal(fields_bytes(kext, FIELD_UUID).data, "0123456789abcdef", 16);
	assert_int_equal(fields_u64(kext, FIELD_ADDRESS), image.address);
	assert_int_equal(fields_u64(kext, FIELD_SIZE), IMAGE_SIZE);
	assert_int_equal(fields_u32(kext, FIELD_STATE), KEXT_STATE_STARTED);
	assert_int_equal(fields_u32(kext, FIELD_REFERENCES), 0);
	assert_int_equal(fields_u32(kext, FIELD_MISSING), 7);
	assert_int_equal(fields_u32(kext, FIELD_DEPENDENCY), 4);
	assert_int_equal(
		fields_u32(listed(&kernel, "com.apple.kpi.libkern"), FIELD_REFERENCES),
		1);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, 8), 0);
	assert_int_equal(listed(&kernel, "test.simple").size, 0);
	assert_int_equal(
		fields_u32(listed(&kernel, "com.apple.kpi.libkern"), FIELD_REFERENCES),
		0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, 8), 0xdc008006);
	assert_int_equal(shut_down(&kernel), 0);
}

/* The address is used again, the tag is not. */
static void failing_start_leaves_nothing(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.failing");
	put_return(&image, START_AT, 5);
	assert_int_equal(load_image(&kernel, &image), 0xdc008017);
	assert_int_equal(fields_u32(answer(&kernel), FIELD_RESULT), 5);
	assert_int_equal(listed(&kernel, "test.failing").size, 0);
	uint64_t address = image.address;
	new_image(&kernel, &image, "test.failing");
	assert_int_equal(image.address, address);
	assert_int_equal(image.tag, 9);
	assert_int_equal(ask_tag(&kernel, KERNEL_ABORT, 9), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

static void failing_stop_keeps_the_kext(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.stays");
	put_return(&image, STOP_AT, 0xe00002d5);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0xdc008017);
	assert_int_equal(fields_u32(answer(&kernel), FIELD_RESULT), 0xe00002d5);
	assert_int_equal(fields_u32(listed(&kernel, "test.stays"), FIELD_STATE),
			 KEXT_STATE_STARTED);
	assert_int_equal(shut_down(&kernel), 0);
}

static void references_hold_libraries(void **state)
{
	struct kernel kernel;
	struct image library, user;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &library, "test.library");
	assert_int_equal(load_image(&kernel, &library), 0);
	new_image(&kernel, &user, "test.user");
	user.dependencies[user.dependency_count++] = library.tag;
	assert_int_equal(load_image(&kernel, &user), 0);
	assert_int_equal(fields_u32(listed(&kernel, "test.library"), FIELD_REFERENCES),
			 1);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, library.tag), 0xdc008018);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, user.tag), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, library.tag), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* A kext whose library is mapped but not started cannot start; it is gone then. */
static void libraries_start_first(void **state)
{
	struct kernel kernel;
	struct image library, user;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &library, "test.library");
	assert_int_equal(map_image(&kernel, &library), 0);
	new_image(&kernel, &user, "test.user");
	user.dependencies[user.dependency_count++] = library.tag;
	assert_int_equal(load_image(&kernel, &user), 0xdc008017);
	assert_int_equal(listed(&kernel, "test.user").size, 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_START, library.tag), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* start copies its kmod_info's stamped fields to where sysctl can read them: see below.
 */
static void stamps_kmod_info(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.stamped");
	image.dependencies[image.dependency_count++] = 1;
	image.dependencies[image.dependency_count++] = 4;
	/* printf("%s %s", info->name, info->version), info being the first argument */
	static const uint8_t load_names[] = {
		0x48, 0x8d, 0x77, 0x10,		 /* lea rsi, [rdi + 16] */
		0x48, 0x8d, 0x57, 0x50,		 /* lea rdx, [rdi + 80] */
		0x8b, 0x4f, 0x0c,		 /* mov ecx, [rdi + 12] */
		0x4c, 0x8b, 0x87, 0x94, 0, 0, 0, /* mov r8, [rdi + 148] reference_list */
		0x4d, 0x8b, 0x00,		 /* mov r8, [r8]: second reference */
		0x4d, 0x8b, 0x40, 0x08,		 /* mov r8, [r8 + 8]: its info */
		0x49, 0x83, 0xc0, 0x10,		 /* add r8, 16: its name */
		0x31, 0xc0, 0x48, 0xbf,		 /* xor eax, eax; mov rdi, format */
	};
	unsigned at = put_entry(&image, START_AT);
	put_code(&image, at, load_names, sizeof(load_names));
	at += sizeof(load_names);
	store64(image.bytes + at, image.address + DATA_AT, false);
	put_code(&image, at + 8, "\x49\xbb", 2);
	store64(image.bytes + at + 10, kernel_symbol("_printf"), false);
	put_code(&image, at + 18, "\x41\xff\xd3", 3);
	put_exit(&image, at + 21, 0);
	put_code(&image, DATA_AT, "<%s %s %u %s>", 14);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_non_null(strstr(whole_log(&kernel),
			       "<test.stamped 1.2.3 8 com.apple.kpi.libkern>"));
	assert_int_equal(shut_down(&kernel), 0);
}

/* Each of them prints its letter, so that the log shows the order. */
static void constructors_and_destructors_run(void **state)
{
	struct kernel kernel;
	struct image image;
	uint64_t function = kernel_symbol("_printf");
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.structors");
	image.has_structors = true;
	static const unsigned places[] = {0x200, START_AT, STOP_AT, 0x900};
	for (unsigned i = 0; i < 4; i++) {
		unsigned at = put_entry(&image, places[i]);
		at = put_call(&image, at, function, image.address + DATA_AT + 8 * i, 0);
		put_exit(&image, at, 0);
		image.bytes[DATA_AT + 8 * i] = (uint8_t)('a' + i);
	}
	image.bytes[DATA_AT + 25] = '\n';
	store64(image.bytes + POINTERS_AT, image.address + 0x200, false);
	store64(image.bytes + POINTERS_AT + 8, image.address + 0x900, false);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0);
	assert_non_null(strstr(whole_log(&kernel), "abcd\n"));
	assert_int_equal(shut_down(&kernel), 0);
}

/* A constructor outside the kext's own code is refused before anything runs. */
static void foreign_constructors_are_refused(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.foreign");
	image.has_structors = true;
	store64(image.bytes + POINTERS_AT, kernel_symbol("_printf"), false);
	assert_int_equal(load_image(&kernel, &image), 0xdc008007);
	assert_int_equal(listed(&kernel, "test.foreign").size, 0);
	assert_int_equal(shut_down(&kernel), 0);
}

static void damaged_maps_are_refused(void **state)
{
	struct kernel kernel;
	struct image image, good;
	struct buffer body = {0};
	(void)state;
	boot(&kernel, NULL);

	new_image(&kernel, &image, "test.unsealed");
	image.seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL;
	assert_int_equal(map_image(&kernel, &image), 0xdc008007);

	new_image(&kernel, &image, "test.wx");
	image.text_protection = 7;
	assert_int_equal(map_image(&kernel, &image), 0xdc008007);

	new_image(&kernel, &image, "test.outside");
	good = image;
	image.address += PAGE;
	assert_int_equal(map_image(&kernel, &image), 0xdc008007);

	new_image(&kernel, &image, "test.nofd");
	map_body(&image, &body);
	assert_int_equal(ask(&kernel, KERNEL_MAP, &body, -1), 0xdc008005);

	new_image(&kernel, &image, "test.nolibrary");
	image.dependencies[image.dependency_count++] = 77;
	assert_int_equal(map_image(&kernel, &image), 0xdc00800e);

	new_image(&kernel, &image, "test.start");
	store64(image.bytes + INFO_AT + 180, image.address + DATA_AT, false);
	assert_int_equal(load_image(&kernel, &image), 0xdc008007);

	assert_int_equal(ask_tag(&kernel, KERNEL_ABORT, good.tag), 0);
	fields_put_text(&body, FIELD_TAG, "no number");
	assert_int_equal(ask(&kernel, KERNEL_LIST, &body, -1), 0xdc008005);
	assert_int_equal(ask(&kernel, 99, &body, -1), 0xdc008005);
	assert_int_equal(shut_down(&kernel), 0);
}

static void same_identifier_is_refused(void **state)
{
	struct kernel kernel;
	struct image image;
	struct buffer body = {0};
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.twice");
	fields_put_text(&body, FIELD_IDENTIFIER, "test.twice");
	fields_put_u64(&body, FIELD_SIZE, PAGE);
	assert_int_equal(ask(&kernel, KERNEL_RESERVE, &body, -1), 0xdc008014);
	fields_put_text(&body, FIELD_IDENTIFIER, "test.huge");
	fields_put_u64(&body, FIELD_SIZE, 0x40000000);
	assert_int_equal(ask(&kernel, KERNEL_RESERVE, &body, -1), 0xdc008002);
	fields_put_text(&body, FIELD_IDENTIFIER, "test.empty");
	fields_put_u64(&body, FIELD_SIZE, 0);
	assert_int_equal(ask(&kernel, KERNEL_RESERVE, &body, -1), 0xdc008005);
	assert_int_equal(shut_down(&kernel), 0);
}

/* start asks for another kext and returns what the kernel said. */
static void start_asks_for_a_kext(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.asks");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_OSKextLoadKextWithIdentifier"),
		      image.address + DATA_AT, 0);
	put_exit(&image, at, -1);
	put_code(&image, DATA_AT, "test.wanted", 12);
	assert_int_equal(load_image(&kernel, &image), 0xdc008017);
	assert_int_equal(fields_u32(answer(&kernel), FIELD_RESULT), 0xdc008011);
	assert_int_equal(kernel.upcall.type, KERNEL_REQUEST_LOAD);
	assert_string_equal(fields_text(bytes_of(kernel.upcall.body, kernel.upcall.size),
					FIELD_IDENTIFIER),
			    "test.wanted");
	assert_int_equal(shut_down(&kernel), 0);
}

/* mov rdi, a; mov rsi, b; mov rdx, c; mov rcx, d; mov r8, e; call f */
static unsigned put_call5(struct image *to, unsigned at, uint64_t function,
			  const uint64_t arguments[5])
{
	static const char prefixes[5][3] = {"\x48\xbf", "\x48\xbe", "\x48\xba",
					    "\x48\xb9", "\x49\xb8"};
	for (unsigned i = 0; i < 5; i++, at += 10) {
		put_code(to, at, prefixes[i], 2);
		store64(to->bytes + at + 2, arguments[i], false);
	}
	put_code(to, at, "\x49\xbb", 2);
	store64(to->bytes + at + 2, function, false);
	put_code(to, at + 10, "\x41\xff\xd3", 3);
	return at + 13;
}

/* The image's start asks for a resource; its callback logs what came. */
static void lay_out_request(struct image *image)
{
	/* printf(format, tag, result, data, size, context): the callback's own arguments
	 */
	static const uint8_t shift[] = {
		0x4d, 0x89, 0xc1,	/* mov r9, r8 */
		0x41, 0x89, 0xc8,	/* mov r8d, ecx */
		0x48, 0x89, 0xd1,	/* mov rcx, rdx */
		0x89, 0xf2,		/* mov edx, esi */
		0x89, 0xfe,		/* mov esi, edi */
		0x31, 0xc0, 0x48, 0xbf, /* xor eax, eax; mov rdi, … */
	};
	unsigned at = put_entry(image, 0x400);
	put_code(image, at, shift, sizeof(shift));
	at += sizeof(shift);
	store64(image->bytes + at, image->address + DATA_AT, false);
	put_code(image, at + 8, "\x49\xbb", 2);
	store64(image->bytes + at + 10, kernel_symbol("_printf"), false);
	put_code(image, at + 18, "\x41\xff\xd3", 3);
	put_exit(image, at + 21, 0);
	put_code(image, DATA_AT, "<%u %x %s %u %p>", 17);
	put_code(image, DATA_AT + 0x40, "test.resources", 15);
	put_code(image, DATA_AT + 0x60, "firmware.bin", 13);
	uint64_t data = image->address + DATA_AT;
	const uint64_t arguments[5] = {data + 0x40, data + 0x60, image->address + 0x400,
				       0xabcdef, data + 0x80};
	at = put_entry(image, START_AT);
	at = put_call5(image, at, kernel_symbol("_OSKextRequestResource"), arguments);
	put_exit(image, at, -1);
}

static void answer_resource(struct kernel *kernel, uint64_t request, uint32_t result,
			    const char *data)
{
	struct buffer body = {0};
	fields_put_u64(&body, FIELD_REQUEST, request);
	fields_put_u32(&body, FIELD_RESULT, result);
	if (data)
		fields_put_bytes(&body, FIELD_DATA, data, strlen(data) + 1);
	send_request(kernel, KERNEL_RESOURCE, &body, -1);
}

/* The second look for unused kexts, here after two seconds, ends what nobody answers. */
static void unanswered_request_times_out(void **state)
{
	static const char *const options[] = {"--boot-args", "autounload=1", NULL};
	struct timespec start, end;
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, options);
	clock_gettime(CLOCK_MONOTONIC, &start);
	new_image(&kernel, &image, "test.resources");
	lay_out_request(&image);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(kernel.upcall.type, KERNEL_REQUEST_RESOURCE);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0xdc008018);
	while (!strchr(whole_log(&kernel), '<'))
		usleep(10000);
	clock_gettime(CLOCK_MONOTONIC, &end);
	double seconds = (double)(end.tv_sec - start.tv_sec) +
			 (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	assert_true(seconds >= 2);
	assert_non_null(strstr(whole_log(&kernel), "<0 dc008019  0 0xabcdef>"));
	answer_resource(&kernel, 0, 0, "too late");
	assert_null(strstr(whole_log(&kernel), "too late"));
	/* It never opted in: it stays until it is told to go. */
	assert_int_not_equal(listed(&kernel, "test.resources").size, 0);
	while (ask_tag(&kernel, KERNEL_STOP, image.tag) == 0xdc008018)
		usleep(1000);
	assert_int_equal(shut_down(&kernel), 0);
}

/* What a start that fails had asked for is dropped: its callback's code is gone. */
static void failed_start_drops_requests(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.resources");
	lay_out_request(&image);
	/* leave with 5 instead of the request's own result, which is 0 */
	put_exit(&image, START_AT + 4 + 63, 5);
	assert_int_equal(load_image(&kernel, &image), 0xdc008017);
	assert_int_equal(fields_u32(answer(&kernel), FIELD_RESULT), 5);
	assert_int_equal(kernel.upcall.type, KERNEL_REQUEST_RESOURCE);
	answer_resource(&kernel, 0, 0, "for nobody");
	assert_int_equal(listed(&kernel, "test.resources").size, 0);
	assert_null(strchr(whole_log(&kernel), '<'));
	assert_int_equal(shut_down(&kernel), 0);
}

static void resources_come_back(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.resources");
	lay_out_request(&image);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(kernel.upcall.type, KERNEL_REQUEST_RESOURCE);
	struct bytes asked = bytes_of(kernel.upcall.body, kernel.upcall.size);
	assert_string_equal(fields_text(asked, FIELD_IDENTIFIER), "test.resources");
	assert_string_equal(fields_text(asked, FIELD_NAME), "firmware.bin");
	assert_int_equal(fields_u64(asked, FIELD_REQUEST), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0xdc008018);
	answer_resource(&kernel, 5, 0, NULL); /* nobody asked that */
	answer_resource(&kernel, 0, 0xdc008006, "bytes");
	while (!strchr(whole_log(&kernel), '<'))
		usleep(1000);
	assert_non_null(strstr(whole_log(&kernel), "<0 dc008006 bytes 6 0xabcdef>"));
	answer_resource(&kernel, 0, 0, "once more"); /* it has been answered */
	while (ask_tag(&kernel, KERNEL_STOP, image.tag) == 0xdc008018)
		usleep(1000);
	assert_null(strstr(whole_log(&kernel), "once more"));
	assert_int_equal(listed(&kernel, "test.resources").size, 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* A kext may keep a kext, itself here, from being unloaded. */
static void retained_kexts_stay(void **state)
{
	struct kernel kernel;
	struct image image, other;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.retained");
	assert_int_equal(load_image(&kernel, &image), 0);
	new_image(&kernel, &other, "test.retainer");
	unsigned at = put_entry(&other, START_AT);
	at = put_call(&other, at, kernel_symbol("_OSKextRetainKextWithLoadTag"),
		      image.tag, 0);
	put_exit(&other, at, -1);
	at = put_entry(&other, STOP_AT);
	at = put_call(&other, at, kernel_symbol("_OSKextReleaseKextWithLoadTag"),
		      image.tag, 0);
	put_exit(&other, at, -1);
	assert_int_equal(load_image(&kernel, &other), 0);
	assert_int_equal(fields_u32(listed(&kernel, "test.retained"), FIELD_REFERENCES),
			 1);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0xdc008018);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, other.tag), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* What a kext leaves behind is told when it goes. */
static void leaks_are_logged(void **state)
{
	struct kernel kernel;
	struct image image;
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.leaks");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_IOMalloc"), 100, 0);
	put_exit(&image, at, 0);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0);
	assert_non_null(strstr(whole_log(&kernel), "test.leaks"));
	assert_int_equal(shut_down(&kernel), 0);
}

/* While one start routine sleeps, other requests are answered. */
static void requests_run_while_a_start_runs(void **state)
{
	struct kernel kernel;
	struct image image, other;
	struct buffer body = {0};
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.slow");
	new_image(&kernel, &other, "test.other");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_IOSleep"), 1500, 0);
	put_exit(&image, at, 0);
	assert_int_equal(map_image(&kernel, &image), 0);
	fields_put_u32(&body, FIELD_TAG, image.tag);
	uint64_t id = send_request(&kernel, KERNEL_START, &body, -1);
	assert_int_equal(load_image(&kernel, &other), 0);
	/* Each start has a thread of its own, and this one's may come late. */
	while (fields_u32(listed(&kernel, "test.slow"), FIELD_STATE) == KEXT_STATE_MAPPED)
		usleep(1000);
	assert_int_equal(fields_u32(listed(&kernel, "test.slow"), FIELD_STATE),
			 KEXT_STATE_STARTING);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0xdc008005);
	assert_true(receive(&kernel, KERNEL_START, id));
	assert_int_equal(fields_u32(answer(&kernel), FIELD_ERROR), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* A user's start waits for its library's, and fails when that fails. */
static void starts_wait_for_libraries(void **state)
{
	static const int results[] = {0, 5};
	struct kernel kernel;
	struct image library, user;
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct buffer body = {0};
		boot(&kernel, NULL);
		new_image(&kernel, &library, "test.library");
		unsigned at = put_entry(&library, START_AT);
		at = put_call(&library, at, kernel_symbol("_IOSleep"), 100, 0);
		put_exit(&library, at, results[i]);
		assert_int_equal(map_image(&kernel, &library), 0);
		new_image(&kernel, &user, "test.user");
		user.dependencies[user.dependency_count++] = library.tag;
		assert_int_equal(map_image(&kernel, &user), 0);
		fields_put_u32(&body, FIELD_TAG, library.tag);
		send_request(&kernel, KERNEL_START, &body, -1);
		while (fields_u32(listed(&kernel, "test.library"), FIELD_STATE) ==
		       KEXT_STATE_MAPPED)
			usleep(1000);
		assert_int_equal(ask_tag(&kernel, KERNEL_START, user.tag),
				 i ? 0xdc008015 : 0);
		assert_int_equal(listed(&kernel, "test.user").size == 0, i);
		assert_int_equal(listed(&kernel, "test.library").size == 0, i);
		assert_int_equal(shut_down(&kernel), 0);
	}
}

static unsigned count_fds(pid_t pid)
{
	unsigned count = 0;
	for (int fd = 0; fd < 256; fd++) {
		char path[64], target[64];
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		count += readlink(path, target, sizeof(target)) >= 0;
	}
	return count;
}

/* Resident and virtual pages. */
static void read_pages(pid_t pid, long *ret_resident, long *ret_virtual)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", ret_virtual, ret_resident), 2);
	fclose(file);
}

static void cycle(struct kernel *kernel)
{
	struct image image;
	new_image(kernel, &image, "test.cycle");
	image.dependencies[image.dependency_count++] = 4;
	assert_int_equal(load_image(kernel, &image), 0);
	assert_int_equal(ask_tag(kernel, KERNEL_STOP, image.tag), 0);
}

/*
 * Pages by which 1,000 cycles grow the kernel. The C library reserves 64 MiB of addresses for
 * a thread's heap now and then; a stack lost per cycle were 640 MiB.
 */
static long growth_of_cycles(struct kernel *kernel)
{
	long resident[2], size[2];
	read_pages(kernel->pid, &resident[0], &size[0]);
	for (int i = 0; i < 1000; i++)
		cycle(kernel);
	read_pages(kernel->pid, &resident[1], &size[1]);
	if (HAS_SANDBOX)
		assert_in_range(size[1], 0, size[0] + 4 * 16384);
	return resident[1] - resident[0];
}

/* Without the sandbox, so that its descriptors can be seen by anybody. */
static void cycles_grow_nothing(void **state)
{
	static const char *const options[] = {"--sandbox=off", NULL};
	struct kernel kernel;
	(void)state;
	boot(&kernel, options);
	for (int i = 0; i < 200; i++)
		cycle(&kernel);
	unsigned fds = count_fds(kernel.pid);
	assert_int_equal(fds, 5);
	/*
	 * A busy machine has more threads at a time, whose stacks are kept for the next:
	 * that settles, while a leak grows every time. A sanitizer keeps freed memory.
	 */
	long growth = growth_of_cycles(&kernel);
	for (int again = 0; again < 3 && growth > 16; again++)
		growth = growth_of_cycles(&kernel);
	assert_int_equal(count_fds(kernel.pid), fds);
	if (HAS_SANDBOX)
		assert_true(growth <= 16);
	assert_int_equal(shut_down(&kernel), 0);
}

/* The end of the stream is the end of the kernel. */
static void leaves_with_kextd(void **state)
{
	struct kernel kernel;
	(void)state;
	boot(&kernel, NULL);
	shutdown(kernel.socket, SHUT_RDWR);
	assert_int_equal(await_end(&kernel), 0);
	assert_string_equal(kernel.report, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_and_hello),
		cmocka_unit_test(hello_states_mach_kernels_uuid),
		cmocka_unit_test(load_list_unload),
		cmocka_unit_test(failing_start_leaves_nothing),
		cmocka_unit_test(failing_stop_keeps_the_kext),
		cmocka_unit_test(references_hold_libraries),
		cmocka_unit_test(libraries_start_first),
		cmocka_unit_test(stamps_kmod_info),
		cmocka_unit_test(constructors_and_destructors_run),
		cmocka_unit_test(foreign_constructors_are_refused),
		cmocka_unit_test(damaged_maps_are_refused),
		cmocka_unit_test(same_identifier_is_refused),
		cmocka_unit_test(start_asks_for_a_kext),
		cmocka_unit_test(resources_come_back),
		cmocka_unit_test(unanswered_request_times_out),
		cmocka_unit_test(failed_start_drops_requests),
		cmocka_unit_test(retained_kexts_stay),
		cmocka_unit_test(leaks_are_logged),
		cmocka_unit_test(requests_run_while_a_start_runs),
		cmocka_unit_test(starts_wait_for_libraries),
		cmocka_unit_test(cycles_grow_nothing),
		cmocka_unit_test(leaves_with_kextd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
