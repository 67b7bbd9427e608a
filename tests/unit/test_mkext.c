/*
 * Multikext archives: written bytes against a layout put together by hand, reading,
 * damage of every kind, fat files, version 1, and unpacking into a hostile folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>
#include <kext/archive.h>
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"

#define EXECUTABLE_SIZE 600u

static struct kext_context *context;

static void make_executable(uint8_t *bytes)
{
	memset(bytes, 0x90, EXECUTABLE_SIZE);
	memcpy(bytes, "\xcf\xfa\xed\xfe\x07\x00\x00\x01\x03\x00\x00\x00\x0b\x00\x00\x00",
	       16);
}

/* Adler-32 by its definition, not by a library. */
static uint32_t sum_of(const uint8_t *bytes, size_t size)
{
	uint32_t a = 1, b = 0;
	for (size_t i = 0; i < size; i++) {
		a = (a + bytes[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static void finish(struct buffer *out)
{
	buffer_set_u32(out, 8, (uint32_t)out->size, true);
	buffer_set_u32(out, 12, sum_of(out->data + 16, out->size - 16), true);
}

static void start(struct buffer *out, uint32_t version, uint32_t count)
{
	buffer_append(out, "MKXTMOSX", 8);
	buffer_zeros(out, 8);
	buffer_u32(out, version, true);
	buffer_u32(out, count, true);
	buffer_u32(out, 0x01000007, true);
	buffer_u32(out, 3, true);
}

/* An entry of an mkext 2, stored or, with `packed`, as a zlib stream; where it is. */
static size_t add_entry(struct buffer *out, const void *data, size_t size, bool packed)
{
	uint8_t stream[1024];
	uLongf stream_size = sizeof(stream);
	size_t entry = out->size;
	if (packed)
		assert_int_equal(compress2(stream, &stream_size, data, size, 6), Z_OK);
	buffer_u32(out, packed ? (uint32_t)stream_size : 0, true);
	buffer_u32(out, (uint32_t)size, true);
	buffer_append(out, packed ? stream : data, packed ? stream_size : size);
	return entry;
}

#define RESOURCE_A "a text that is stored as it is"
#define RESOURCE_B "tick tock tick tock tick tock tick tock tick tock tick tock tick"

/* An mkext 2 with a stored executable: `plist` with "@" where its offset belongs, and "#"
 * and "$" for the offsets of two resources, the second one compressed. */
static void make_stored(struct buffer *out, const char *plist)
{
	uint8_t executable[EXECUTABLE_SIZE];
	char text[2048], *at = text;
	size_t a = 0, b = 0;
	start(out, 0x02002001, 1);
	buffer_zeros(out, 12);
	make_executable(executable);
	size_t entry = add_entry(out, executable, EXECUTABLE_SIZE, false);
	if (strchr(plist, '#'))
		a = add_entry(out, RESOURCE_A, strlen(RESOURCE_A), false);
	if (strchr(plist, '$'))
		b = add_entry(out, RESOURCE_B, strlen(RESOURCE_B), true);
	for (; *plist; plist++) {
		if (*plist == '@' || *plist == '#' || *plist == '$')
			at += sprintf(at, "%zu",
				      *plist == '@'   ? entry
				      : *plist == '#' ? a
						      : b);
		else
			*at++ = *plist;
	}
	*at++ = '\0';
	buffer_set_u32(out, 32, (uint32_t)out->size, true);
	buffer_set_u32(out, 40, (uint32_t)(at - text), true);
	buffer_append(out, text, (size_t)(at - text));
	finish(out);
}

#define ONE_KEXT(extra)                                                                  \
	"<dict><key>_MKEXTInfoDictionaries</key><array><dict><key>CFBundleIdentifier</"  \
	"key>"                                                                           \
	"<string>com.example.Foo</string><key>CFBundleExecutable</key><string>Foo</"     \
	"string>"                                                                        \
	"<key>CFBundleVersion</key><string>1.0</string><key>IOProbeScore</key>"          \
	"<integer>0xfffffffffffffc18</integer><key>_MKEXTExecutable</key>"               \
	"<integer>@</integer>" extra "</dict></array></dict>"
#define PATH_KEY(path) "<key>_MKEXTBundlePath</key><string>" path "</string>"
#define EXECUTABLE_KEY(path)                                                             \
	"<key>_MKEXTExecutableRelativePath</key><string>" path "</string>"

static int open_bytes(const void *data, size_t size, const char *arch, unsigned flags,
		      struct kext_diagnostics *diagnostics, struct kext_archive **ret)
{
	struct kext_archive_options options = {
		.arch = arch ? kext_arch_named(arch) : NULL, .flags = flags};
	return kext_archive_open(context, data, size, "test.mkext", &options, diagnostics,
				 ret);
}

/* What mkextunpack does before it touches anything. */
static int open_and_verify(const void *data, size_t size,
			   struct kext_diagnostics *diagnostics)
{
	struct kext_archive *archive = NULL;
	int error = open_bytes(data, size, NULL, 0, diagnostics, &archive);
	if (error == 0)
		error = kext_archive_verify(archive, 2, diagnostics);
	kext_archive_free(archive);
	return error;
}

static struct kext_archive *open_good(const struct buffer *bytes)
{
	struct kext_archive *archive = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	assert_int_equal(
		open_bytes(bytes->data, bytes->size, NULL, 0, diagnostics, &archive), 0);
	assert_int_equal(kext_diagnostics_length(diagnostics), 0);
	kext_diagnostics_free(diagnostics);
	return archive;
}

static void assert_refused(const void *data, size_t size, int expected, const char *slug)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	assert_int_equal(open_and_verify(data, size, diagnostics), expected);
	size_t last = kext_diagnostics_length(diagnostics);
	assert_true(last > 0);
	assert_string_equal(kext_diagnostics_at(diagnostics, last - 1)->slug, slug);
	kext_diagnostics_free(diagnostics);
}

static struct kext_bundle *make_bundle(bool has_code)
{
	struct kext_value *info = NULL;
	struct kext_bundle *bundle = NULL;
	const char *text = has_code ? "<dict><key>CFBundleIdentifier</key>"
				      "<string ID='0'>com.example.Foo</string>"
				      "<key>CFBundleVersion</key><string>1.0</string>"
				      "<key>CFBundleExecutable</key><string>Foo</string>"
				      "<key>again</key><string IDREF='0'/></dict>"
				    : "<dict><key>CFBundleIdentifier</key>"
				      "<string>com.example.Bare</string></dict>";
	assert_int_equal(kext_value_from_xml(text, strlen(text), "x", NULL, &info), 0);
	uint8_t *executable = has_code ? malloc(EXECUTABLE_SIZE) : NULL;
	if (has_code)
		make_executable(executable);
	assert_int_equal(kext_bundle_new_archived(
				 context, has_code ? "/S/Foo.kext" : "/S/Bare.kext",
				 has_code ? "Contents/MacOS/Foo" : NULL, info, executable,
				 has_code ? EXECUTABLE_SIZE : 0, NULL, &bundle),
			 0);
	kext_value_unref(info);
	return bundle;
}

/* The text that must stand in the archive for the two bundles above. */
static const char expected_plist[] =
	"<dict><key>_MKEXTInfoDictionaries</key><array><dict><key>CFBundleIdentifier</"
	"key>"
	"<string ID=\"0\">com.example.Foo</string><key>CFBundleVersion</key>"
	"<string>1.0</string><key>CFBundleExecutable</key><string>Foo</string>"
	"<key>again</key><string IDREF=\"0\"/><key>_MKEXTBundlePath</key>"
	"<string>/S/Foo.kext</string><key>_MKEXTExecutableRelativePath</key>"
	"<string>Contents/MacOS/Foo</string><key>_MKEXTExecutable</key>"
	"<integer size=\"32\">0x2c</integer></dict><dict><key>CFBundleIdentifier</key>"
	"<string>com.example.Bare</string><key>_MKEXTBundlePath</key>"
	"<string>/S/Bare.kext</string></dict></array></dict>";

static void append_packed(struct buffer *out, const void *data, size_t size,
			  size_t length_at)
{
	uint8_t packed[2048];
	uLongf packed_size = sizeof(packed);
	assert_int_equal(compress2(packed, &packed_size, data, size, 6), Z_OK);
	buffer_set_u32(out, length_at, (uint32_t)packed_size, true);
	buffer_append(out, packed, packed_size);
}

static void written_bytes(void **state)
{
	(void)state;
	struct kext_bundle *bundles[] = {make_bundle(true), make_bundle(false)};
	_cleanup_buffer_ struct buffer expected = {0};
	uint8_t executable[EXECUTABLE_SIZE];
	void *data = NULL;
	size_t size = 0;
	make_executable(executable);
	start(&expected, 0x02002001, 2);
	buffer_zeros(&expected, 12);
	buffer_u32(&expected, 0, true);
	buffer_u32(&expected, EXECUTABLE_SIZE, true);
	append_packed(&expected, executable, EXECUTABLE_SIZE, 44);
	buffer_set_u32(&expected, 32, (uint32_t)expected.size, true);
	buffer_set_u32(&expected, 40, sizeof(expected_plist), true);
	append_packed(&expected, expected_plist, sizeof(expected_plist), 36);
	finish(&expected);
	assert_int_equal(kext_mkext_write(bundles, 2, NULL, NULL, &data, &size), 0);
	assert_int_equal(size, expected.size);
	assert_memory_equal(data, expected.data, size);
	struct buffer again = {.data = data, .size = size};
	struct kext_archive *archive = open_good(&again);
	assert_int_equal(kext_archive_count(archive), 2);
	for (int i = 0; i < 2; i++)
		assert_true(
			kext_value_equal(kext_bundle_info(kext_archive_at(archive, i)),
					 kext_bundle_info(bundles[i])));
	kext_archive_free(archive);
	buffer_free(&again);
	struct kext_mkext_options stored = {.store_plist = true,
					    .store_executables = true};
	assert_int_equal(kext_mkext_write(bundles, 2, &stored, NULL, &data, &size), 0);
	assert_int_equal(size, 44 + 8 + EXECUTABLE_SIZE + sizeof(expected_plist));
	assert_memory_equal((char *)data + 52, executable, EXECUTABLE_SIZE);
	free(data);
	kext_bundle_unref(bundles[0]);
	kext_bundle_unref(bundles[1]);
}

static void reads_a_stored_archive(void **state)
{
	(void)state;
	_cleanup_buffer_ struct buffer bytes = {0};
	uint8_t executable[EXECUTABLE_SIZE];
	const void *data;
	size_t size;
	make_executable(executable);
	make_stored(&bytes, ONE_KEXT(PATH_KEY("/S/L/E/Bar.kext/")));
	struct kext_archive *archive = open_good(&bytes);
	assert_int_equal(kext_archive_format(archive), KEXT_ARCHIVE_MKEXT2);
	assert_int_equal(kext_archive_count(archive), 1);
	assert_string_equal(kext_archive_folder_name(archive, 0), "Bar.kext");
	assert_null(kext_archive_folder_name(archive, 1));
	assert_null(kext_archive_at(archive, 1));
	struct kext_bundle *bundle = kext_archive_at(archive, 0);
	assert_string_equal(kext_bundle_identifier(bundle), "com.example.Foo");
	assert_string_equal(kext_bundle_path(bundle), "/S/L/E/Bar.kext/");
	assert_string_equal(kext_bundle_executable_path(bundle), "Contents/MacOS/Foo");
	assert_null(kext_value_get(kext_bundle_info(bundle), "_MKEXTExecutable"));
	assert_int_equal(kext_bundle_executable(bundle, NULL, &data, &size), 0);
	assert_int_equal(size, EXECUTABLE_SIZE);
	assert_memory_equal(data, executable, size);
	kext_archive_free(archive);
}

static void names_are_unique(void **state)
{
	(void)state;
	_cleanup_buffer_ struct buffer bytes = {0};
	make_stored(&bytes,
		    "<dict><key>_MKEXTInfoDictionaries</key><array>"
		    "<dict><key>CFBundleIdentifier</key><string>a.b</"
		    "string>" PATH_KEY(
			    "/x/Foo.kext") "</dict>"
					   "<dict><key>CFBundleIdentifier</"
					   "key><string>a.c</string>" PATH_KEY(
						   "/x/A.kext/Contents/PlugIns/"
						   "foo.kext") "</dict>"
							       "<dict><key>"
							       "CFBundleIdentifier</"
							       "key><string>a.Foo</"
							       "string></dict>"
							       "<dict><key>"
							       "CFBundleIdentifier</"
							       "key><string>a.</"
							       "string></dict>"
							       "<dict><key>"
							       "CFBundleIdentifier</"
							       "key><string>a.d</"
							       "string>"
							       "<key>"
							       "CFBundleExecutable</"
							       "key><string>../x</"
							       "string></dict>"
							       "</array></dict>");
	struct kext_archive *archive = NULL;
	/* The header says one kext, the list has five: a warning. */
	assert_int_equal(open_bytes(bytes.data, bytes.size, "x86_64", 0, NULL, &archive),
			 0);
	assert_int_equal(kext_archive_count(archive), 5);
	assert_string_equal(kext_archive_folder_name(archive, 0), "Foo.kext");
	assert_string_equal(kext_archive_folder_name(archive, 1), "foo-1.kext");
	assert_string_equal(kext_archive_folder_name(archive, 2), "Foo-2.kext");
	assert_string_equal(kext_archive_folder_name(archive, 3), "NameUnknown-1.kext");
	assert_string_equal(kext_archive_folder_name(archive, 4), "d.kext");
	kext_archive_free(archive);
}

/* The archive with four bytes changed and, unless they belong to the header, a fresh sum.
 */
static void assert_change_refused(struct buffer *bytes, size_t offset, uint32_t value,
				  int expected, const char *slug)
{
	uint32_t before = load32(bytes->data + offset, true);
	store32(bytes->data + offset, value, true);
	if (offset >= 16)
		store32(bytes->data + 12, sum_of(bytes->data + 16, bytes->size - 16),
			true);
	assert_refused(bytes->data, bytes->size, expected, slug);
	store32(bytes->data + offset, before, true);
	store32(bytes->data + 12, sum_of(bytes->data + 16, bytes->size - 16), true);
}

static void damaged_archives(void **state)
{
	(void)state;
	_cleanup_buffer_ struct buffer bytes = {0};
	make_stored(&bytes, ONE_KEXT(""));
	uint32_t size = (uint32_t)bytes.size;
	assert_change_refused(&bytes, 0, 0x4d4b5855, KEXT_ERR_BAD_DATA, "archive.magic");
	assert_change_refused(&bytes, 4, 0x4d4f5359, KEXT_ERR_BAD_DATA, "archive.magic");
	assert_change_refused(&bytes, 8, size + 1, KEXT_ERR_BAD_DATA, "archive.length");
	assert_change_refused(&bytes, 8, 43, KEXT_ERR_BAD_DATA, "archive.length");
	assert_change_refused(&bytes, 12, 1, KEXT_ERR_BAD_DATA, "archive.checksum");
	assert_change_refused(&bytes, 16, 0x03000000, KEXT_ERR_UNSUPPORTED,
			      "archive.version");
	assert_change_refused(&bytes, 32, size, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 32, 0, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 36, 20, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 40, 0, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 40, 0x7fffffff, KEXT_ERR_BAD_DATA,
			      "archive.damaged");
	/* The executable's entry: a stream that is none, and a size past the end. */
	assert_change_refused(&bytes, 44, 100, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 48, 0xfffffff0, KEXT_ERR_BAD_DATA,
			      "archive.damaged");
	for (size_t cut = 0; cut < bytes.size; cut += 7)
		assert_refused(bytes.data, cut, KEXT_ERR_BAD_DATA,
			       cut < 8 ? "archive.magic" : "archive.length");
	assert_refused("", 0, KEXT_ERR_BAD_DATA, "archive.magic");
}

static void checksum_may_be_ignored(void **state)
{
	(void)state;
	_cleanup_buffer_ struct buffer bytes = {0};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_archive *archive = NULL;
	make_stored(&bytes, ONE_KEXT(""));
	bytes.data[100] ^= 1;
	assert_refused(bytes.data, bytes.size, KEXT_ERR_BAD_DATA, "archive.checksum");
	assert_int_equal(open_bytes(bytes.data, bytes.size, NULL,
				    KEXT_ARCHIVE_IGNORE_CHECKSUM, diagnostics, &archive),
			 0);
	assert_int_equal(kext_diagnostics_count(diagnostics, KEXT_ERROR), 0);
	assert_string_equal(kext_diagnostics_at(diagnostics, 0)->slug,
			    "archive.checksum");
	kext_archive_free(archive);
	kext_diagnostics_free(diagnostics);
}

static void bad_property_lists(void **state)
{
	(void)state;
	static const char *const plists[] = {
		"<dict></dict>",
		"<array></array>",
		"<dict>",
		"<dict><key>_MKEXTInfoDictionaries</key><dict></dict></dict>",
		"<dict><key>_MKEXTInfoDictionaries</key><array><true/></array></dict>",
		"<dict><key>_MKEXTInfoDictionaries</key><array><dict>"
		"<key>CFBundleIdentifier</key><string>a</string><key>_MKEXTExecutable</"
		"key>"
		"<string>44</string></dict></array></dict>",
		"<dict><key>_MKEXTInfoDictionaries</key><array><dict>"
		"<key>CFBundleIdentifier</key><string>a</string><key>_MKEXTExecutable</"
		"key>"
		"<integer>0xffffffffffffffff</integer></dict></array></dict>",
		"<dict><key>_MKEXTInfoDictionaries</key><array><dict>"
		"<key>CFBundleIdentifier</key><string>a</string><key>_MKEXTExecutable</"
		"key>"
		"<integer>20</integer></dict></array></dict>",
	};
	for (size_t i = 0; i < sizeof(plists) / sizeof(*plists); i++) {
		struct buffer bytes = {0};
		make_stored(&bytes, plists[i]);
		assert_refused(bytes.data, bytes.size, KEXT_ERR_BAD_DATA,
			       "archive.damaged");
		buffer_free(&bytes);
	}
	/* A kext that is not fit to be one is left out, with its reason. */
	struct buffer bytes = {0};
	struct kext_archive *archive = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	make_stored(&bytes, "<dict><key>_MKEXTInfoDictionaries</key><array><dict></dict>"
			    "</array></dict>");
	assert_int_equal(
		open_bytes(bytes.data, bytes.size, NULL, 0, diagnostics, &archive), 0);
	assert_int_equal(kext_archive_count(archive), 0);
	assert_int_equal(kext_diagnostics_count(diagnostics, KEXT_ERROR), 1);
	kext_archive_free(archive);
	kext_diagnostics_free(diagnostics);
	buffer_free(&bytes);
}

static void architectures(void **state)
{
	(void)state;
	_cleanup_buffer_ struct buffer thin = {0}, fat = {0};
	struct kext_archive *archive = NULL;
	make_stored(&thin, ONE_KEXT(""));
	assert_int_equal(open_bytes(thin.data, thin.size, "arm64", 0, NULL, &archive),
			 KEXT_ERR_ARCH_NOT_FOUND);
	/* i386 first, with a slice that is no archive; slices are packed as Darwin does.
	 */
	uint32_t header[] = {0xcafebabe,	  2, 7, 3, 48, 8, 0, 0x01000007, 3, 56,
			     (uint32_t)thin.size, 0};
	for (size_t i = 0; i < 12; i++)
		buffer_u32(&fat, header[i], true);
	buffer_append(&fat, "nonsense", 8);
	buffer_append(&fat, thin.data, thin.size);
	assert_int_equal(open_bytes(fat.data, fat.size, "x86_64", 0, NULL, &archive), 0);
	assert_int_equal(kext_archive_count(archive), 1);
	kext_archive_free(archive);
	archive = open_good(&fat); /* the host's */
	kext_archive_free(archive);
	archive = NULL;
	assert_int_equal(open_bytes(fat.data, fat.size, "arm64", 0, NULL, &archive),
			 KEXT_ERR_ARCH_NOT_FOUND);
	assert_int_equal(open_bytes(fat.data, fat.size, "i386", 0, NULL, &archive),
			 KEXT_ERR_BAD_DATA);
	assert_refused(fat.data, fat.size - 1, KEXT_ERR_BAD_DATA, "archive.damaged");
}

static void version_1(void **state)
{
	(void)state;
	static const char plist[] =
		"<dict><key>CFBundleIdentifier</key><string>com.old.Bar"
		"</string><key>CFBundleExecutable</key>"
		"<string>Bar</string></dict>";
	_cleanup_buffer_ struct buffer bytes = {0};
	const void *data;
	size_t size, text_size = sizeof(plist) - 1;
	start(&bytes, 0x01008000, 1);
	uint32_t table[] = {64, 0, (uint32_t)text_size, 0, 64 + (uint32_t)text_size, 4,
			    16, 0};
	for (size_t i = 0; i < 8; i++)
		buffer_u32(&bytes, table[i], true);
	buffer_append(&bytes, plist, text_size);
	buffer_append(&bytes, "\x01\x41\xee\xfc", 4); /* LZSS of 16 times "A" */
	finish(&bytes);
	struct kext_archive *archive = open_good(&bytes);
	assert_int_equal(kext_archive_format(archive), KEXT_ARCHIVE_MKEXT1);
	assert_string_equal(kext_archive_folder_name(archive, 0), "Bar.kext");
	struct kext_bundle *bundle = kext_archive_at(archive, 0);
	assert_int_equal(kext_bundle_executable(bundle, NULL, &data, &size), 0);
	assert_int_equal(size, 16);
	assert_memory_equal(data, "AAAAAAAAAAAAAAAA", 16);
	assert_string_equal(kext_bundle_executable_path(bundle), "Contents/MacOS/Bar");
	kext_archive_free(archive);
	assert_change_refused(&bytes, 20, 1000, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 32, 0x7fffffff, KEXT_ERR_BAD_DATA,
			      "archive.damaged");
	assert_change_refused(&bytes, 40, 0, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 56, 17, KEXT_ERR_BAD_DATA, "archive.damaged");
	assert_change_refused(&bytes, 56, 0x70000000, KEXT_ERR_BAD_DATA,
			      "archive.damaged");
}

static char folder[64];
static int folder_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_mkext.XXXXXX");
	assert_non_null(mkdtemp(folder));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
	return folder_fd < 0;
}

static int remove_made_folder(void **state)
{
	(void)state;
	char command[128];
	close(folder_fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int unpack_text(const char *plist, unsigned flags, char *ret_slug)
{
	struct buffer bytes = {0};
	struct kext_archive *archive = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	make_stored(&bytes, plist);
	assert_int_equal(open_bytes(bytes.data, bytes.size, NULL, 0, NULL, &archive), 0);
	int error =
		kext_archive_unpack(archive, 0, folder_fd, folder, flags, diagnostics);
	const struct kext_diagnostic *d = kext_diagnostics_at(diagnostics, 0);
	if (ret_slug)
		strcpy(ret_slug, d ? d->slug : "");
	assert_int_equal(kext_diagnostics_length(diagnostics), error ? 1 : 0);
	kext_diagnostics_free(diagnostics);
	kext_archive_free(archive);
	buffer_free(&bytes);
	return error;
}

static void assert_file(const char *path, const void *expected, size_t size)
{
	struct file_map map;
	assert_int_equal(file_map_path(folder_fd, path, 1 << 20, &map), 0);
	assert_int_equal(map.bytes.size, size);
	assert_memory_equal(map.bytes.data, expected, size);
	file_unmap(&map);
}

/* Number of names in the test's folder, so that leftovers show. */
static int count_names(void)
{
	char command[128];
	snprintf(command, sizeof(command), "exit $(ls -A %s | wc -l)", folder);
	return WEXITSTATUS(system(command));
}

static const char expected_info[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	"<plist version=\"1.0\">\n<dict>\n\t<key>CFBundleIdentifier</key>\n"
	"\t<string>com.example.Foo</string>\n\t<key>CFBundleExecutable</key>\n"
	"\t<string>Foo</string>\n\t<key>CFBundleVersion</key>\n\t<string>1.0</string>\n"
	"\t<key>IOProbeScore</key>\n\t<integer>-1000</integer>\n</dict>\n</plist>\n";

#define RESOURCES(entries)                                                               \
	PATH_KEY("/S/Foo.kext")                                                          \
	"<key>_MKEXTResources</key><dict>" entries "</dict>"

/* Resources are entries like executables. */
static void unpacks_resources(void **state)
{
	char slug[64];
	(void)state;
	assert_int_equal(
		unpack_text(ONE_KEXT(RESOURCES("<key>a.txt</key><integer>#</integer>"
					       "<key>en/b</key><integer>$</integer>")),
			    0, NULL),
		0);
	assert_file("Foo.kext/Contents/Resources/a.txt", RESOURCE_A, strlen(RESOURCE_A));
	assert_file("Foo.kext/Contents/Resources/en/b", RESOURCE_B, strlen(RESOURCE_B));
	assert_file("Foo.kext/Contents/Info.plist", expected_info, strlen(expected_info));
	assert_int_equal(
		unpack_text(ONE_KEXT(RESOURCES("<key>../../b</key><integer>#</integer>")),
			    KEXT_UNPACK_FORCE, slug),
		KEXT_ERR_BAD_DATA);
	assert_string_equal(slug, "archive.path");
	assert_int_equal(count_names(), 1);
}

static void damaged_resources(void **state)
{
	static const char *const plists[] = {
		ONE_KEXT(RESOURCES("<key>a</key><string>@</string>")),
		ONE_KEXT(RESOURCES("<key>a</key><integer>0x7fffffff</integer>")),
		ONE_KEXT("<key>_MKEXTResources</key><integer>@</integer>"),
	};
	(void)state;
	for (size_t i = 0; i < sizeof(plists) / sizeof(*plists); i++) {
		struct buffer bytes = {0};
		make_stored(&bytes, plists[i]);
		assert_refused(bytes.data, bytes.size, KEXT_ERR_BAD_DATA,
			       "archive.damaged");
		buffer_free(&bytes);
	}
}

/* All of 0x0200.... are read alike. */
static void other_versions_2(void **state)
{
	struct buffer bytes = {0};
	(void)state;
	make_stored(&bytes, ONE_KEXT(""));
	buffer_set_u32(&bytes, 16, 0x02000000, true);
	finish(&bytes);
	kext_archive_free(open_good(&bytes));
	buffer_set_u32(&bytes, 16, 0x02012001, true);
	finish(&bytes);
	assert_refused(bytes.data, bytes.size, KEXT_ERR_UNSUPPORTED, "archive.version");
	buffer_free(&bytes);
}

static void unpacks_a_bundle(void **state)
{
	(void)state;
	uint8_t executable[EXECUTABLE_SIZE];
	struct stat stat;
	make_executable(executable);
	assert_int_equal(unpack_text(ONE_KEXT(""), 0, NULL), 0);
	assert_file("Foo.kext/Contents/Info.plist", expected_info, strlen(expected_info));
	assert_file("Foo.kext/Contents/MacOS/Foo", executable, EXECUTABLE_SIZE);
	assert_int_equal(fstatat(folder_fd, "Foo.kext/Contents/MacOS/Foo", &stat, 0), 0);
	assert_int_equal(stat.st_mode & 0122, 0100);
	assert_int_equal(
		unpack_text(ONE_KEXT(PATH_KEY("/S/Flat.kext") EXECUTABLE_KEY("Foo")), 0,
			    NULL),
		0);
	assert_file("Flat.kext/Info.plist", expected_info, strlen(expected_info));
	assert_file("Flat.kext/Foo", executable, EXECUTABLE_SIZE);
	assert_int_equal(count_names(), 2);
}

static void existing_bundles(void **state)
{
	(void)state;
	char slug[32];
	assert_int_equal(mkdirat(folder_fd, "Foo.kext", 0755), 0);
	assert_int_equal(mkdirat(folder_fd, "Foo.kext/Old", 0755), 0);
	assert_int_equal(file_publish(folder_fd, "keep", "old", 3, 0644, false), 0);
	assert_int_equal(symlinkat("../../keep", folder_fd, "Foo.kext/Old/link"), 0);
	assert_int_equal(unpack_text(ONE_KEXT(""), 0, slug), -EEXIST);
	assert_string_equal(slug, "archive.exists");
	assert_int_equal(faccessat(folder_fd, "Foo.kext/Old/link", F_OK, 0), 0);
	assert_int_equal(faccessat(folder_fd, "Foo.kext/Contents", F_OK, 0), -1);
	assert_int_equal(unpack_text(ONE_KEXT(""), KEXT_UNPACK_FORCE, NULL), 0);
	assert_int_equal(faccessat(folder_fd, "Foo.kext/Old", F_OK, 0), -1);
	assert_file("Foo.kext/Contents/Info.plist", expected_info, strlen(expected_info));
	assert_file("keep", "old", 3);
	assert_int_equal(count_names(), 2);
}

static void hostile_paths(void **state)
{
	(void)state;
	static const char *const plists[] = {
		ONE_KEXT(PATH_KEY("/S/../../Foo.kext")),
		ONE_KEXT(PATH_KEY("/S/..")),
		ONE_KEXT(EXECUTABLE_KEY("../../escaped")),
		ONE_KEXT(EXECUTABLE_KEY("/tmp/escaped")),
		ONE_KEXT(EXECUTABLE_KEY("Contents//x")),
		ONE_KEXT(EXECUTABLE_KEY("Contents/./x")),
		ONE_KEXT(EXECUTABLE_KEY("")),
	};
	char slug[32];
	for (size_t i = 0; i < sizeof(plists) / sizeof(*plists); i++) {
		assert_int_equal(unpack_text(plists[i], KEXT_UNPACK_FORCE, slug),
				 KEXT_ERR_BAD_DATA);
		assert_string_equal(slug, "archive.path");
	}
	assert_int_equal(count_names(), 0);
	/* A link or a file where the bundle belongs stays what it is. */
	assert_int_equal(mkdirat(folder_fd, "elsewhere", 0755), 0);
	assert_int_equal(symlinkat("elsewhere", folder_fd, "Foo.kext"), 0);
	assert_int_equal(unpack_text(ONE_KEXT(""), 0, slug), -EEXIST);
	assert_int_equal(unpack_text(ONE_KEXT(""), KEXT_UNPACK_FORCE, slug), -ELOOP);
	assert_string_equal(slug, "archive.exists");
	assert_int_equal(unlinkat(folder_fd, "elsewhere", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(folder_fd, "Foo.kext", 0), 0);
	assert_int_equal(file_publish(folder_fd, "Foo.kext", "file", 4, 0644, false), 0);
	assert_int_equal(unpack_text(ONE_KEXT(""), KEXT_UNPACK_FORCE, slug), -ENOTDIR);
	assert_file("Foo.kext", "file", 4);
	assert_int_equal(count_names(), 1);
}

static void failing_writes_leave_nothing(void **state)
{
	(void)state;
	char slug[32];
	for (unsigned n = 1; n <= 2; n++) {
		fault_arm_io(n);
		assert_int_equal(unpack_text(ONE_KEXT(""), 0, slug), -EIO);
		assert_string_equal(slug, "archive.write");
		assert_int_equal(count_names(), 0);
	}
	fault_arm_io(0);
}

static int write_read_and_unpack(struct kext_bundle *const *bundles)
{
	void *data = NULL;
	size_t size = 0;
	struct kext_archive *archive = NULL;
	int error = kext_mkext_write(bundles, 2, NULL, NULL, &data, &size);
	if (error == 0)
		error = open_bytes(data, size, NULL, 0, NULL, &archive);
	if (error == 0)
		error = kext_archive_unpack(archive, 0, folder_fd, folder,
					    KEXT_UNPACK_FORCE, NULL);
	free(data);
	kext_archive_free(archive);
	return error;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	struct kext_bundle *bundles[] = {make_bundle(true), make_bundle(false)};
	unsigned n = 1;
	for (int error = -1; error; n++) {
		fault_arm_allocation(n);
		error = write_read_and_unpack(bundles);
		fault_arm_allocation(0);
		assert_true(error == 0 || error == -ENOMEM);
		assert_int_equal(count_names(), error == 0);
	}
	assert_true(n > 60);
	kext_bundle_unref(bundles[0]);
	kext_bundle_unref(bundles[1]);
}

#define IN_FOLDER(test)                                                                  \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_made_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_bytes),
		cmocka_unit_test(reads_a_stored_archive),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(damaged_archives),
		cmocka_unit_test(checksum_may_be_ignored),
		cmocka_unit_test(bad_property_lists),
		cmocka_unit_test(architectures),
		cmocka_unit_test(version_1),
		cmocka_unit_test(other_versions_2),
		cmocka_unit_test(damaged_resources),
		IN_FOLDER(unpacks_resources),
		IN_FOLDER(unpacks_a_bundle),
		IN_FOLDER(existing_bundles),
		IN_FOLDER(hostile_paths),
		IN_FOLDER(failing_writes_leave_nothing),
		IN_FOLDER(every_allocation_may_fail),
	};
	if (kext_context_new(&context) < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	kext_context_unref(context);
	return failed;
}
