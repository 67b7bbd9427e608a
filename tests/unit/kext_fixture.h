/*
 * Kexts made for a test in a temporary folder: property lists, files, and a minimal
 * Mach-O that is laid out by hand here.
 */
#ifndef KEXT_FIXTURE_H
#define KEXT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kext/bundle.h>
#include <kext/version.h>

struct fixture {
	char folder[64];
	struct kext_context *context;
	struct kext_diagnostics *diagnostics;
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	umask(022);
	strcpy(f->folder, "/tmp/kext-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(kext_context_new(&f->context), 0);
	f->diagnostics = kext_diagnostics_new();
	assert_non_null(f->diagnostics);
	*state = f;
	return 0;
}

static inline int fixture_remove_one(const char *path, const struct stat *stat, int kind,
				     struct FTW *ftw)
{
	(void)stat, (void)kind, (void)ftw;
	return remove(path);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	nftw(f->folder, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	kext_diagnostics_free(f->diagnostics);
	kext_context_unref(f->context);
	free(f);
	return 0;
}

/* Absolute path of something in the fixture's folder; rotates through a few buffers. */
static inline const char *fixture_path(struct fixture *f, const char *relative)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, PATH_MAX, "%s/%s", f->folder, relative);
	return path;
}

/* Writes a file and makes the folders above it. */
static inline void fixture_write(struct fixture *f, const char *relative,
				 const void *data, size_t size)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", f->folder, relative);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static inline void fixture_text(struct fixture *f, const char *relative, const char *text)
{
	fixture_write(f, relative, text, strlen(text));
}

/* X.kext/Contents/Info.plist with these entries in its dictionary. */
static inline void fixture_info(struct fixture *f, const char *kext, const char *entries)
{
	char path[1024], *text;
	snprintf(path, sizeof(path), "%s/Contents/Info.plist", kext);
	assert_true(asprintf(&text,
			     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<plist version=\"1.0\"><dict>%s</dict></plist>\n",
			     entries) > 0);
	fixture_text(f, path, text);
	free(text);
}

#define PLIST_STRING(key, value) "<key>" key "</key><string>" value "</string>"
#define PLIST_TRUE(key)		 "<key>" key "</key><true/>"

/* A codeless library: identifier, version, compatible version, and more entries. */
#define PLIST_KEXT(identifier, version)                                                  \
	PLIST_STRING("CFBundleIdentifier", identifier)                                   \
	PLIST_STRING("CFBundleVersion", version)                                         \
	PLIST_STRING("CFBundlePackageType", "KEXT")
#define PLIST_LIBRARIES(entries) "<key>OSBundleLibraries</key><dict>" entries "</dict>"

static inline struct kext_bundle *fixture_open(struct fixture *f, const char *kext)
{
	struct kext_bundle *bundle = NULL;
	assert_int_equal(kext_bundle_open(f->context, fixture_path(f, kext),
					  f->diagnostics, &bundle),
			 0);
	assert_non_null(bundle);
	return bundle;
}

/* The first finding with this slug, or NULL. */
static inline const struct kext_diagnostic *fixture_find(struct fixture *f,
							 const char *slug)
{
	for (size_t i = 0; i < kext_diagnostics_length(f->diagnostics); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(f->diagnostics, i);
		if (strcmp(d->slug, slug) == 0)
			return d;
	}
	return NULL;
}

/* Asserts that there is a finding of this slug whose message holds `text`. */
static inline void fixture_expect(struct fixture *f, const char *slug,
				  enum kext_severity severity, const char *text)
{
	for (size_t i = 0; i < kext_diagnostics_length(f->diagnostics); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(f->diagnostics, i);
		if (strcmp(d->slug, slug) == 0 && d->severity == severity &&
		    strstr(d->message, text))
			return;
	}
	for (size_t i = 0; i < kext_diagnostics_length(f->diagnostics); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(f->diagnostics, i);
		print_message("  %s %s %s: %s\n", kext_severity_name(d->severity),
			      d->slug, d->subject, d->message);
	}
	fail_msg("no finding %s with \"%s\"", slug, text);
}

static inline void fixture_forget(struct fixture *f)
{
	kext_diagnostics_free(f->diagnostics);
	f->diagnostics = kext_diagnostics_new();
}

/*
 * A little-endian 64-bit Mach-O with one segment, one section that holds a kmod_info, and
 * one symbol. Offsets: header 0, LC_SEGMENT_64 32, section 104, LC_SYMTAB 184, data 208,
 * symbol 404, strings 420.
 */
struct fixture_macho {
	uint32_t cputype, filetype;
	const char *symbol, *name, *version;
	uint8_t symbol_type;
};
#define FIXTURE_MACHO_SIZE 440u

static inline void fixture_put32(uint8_t *image, size_t at, uint32_t value)
{
	memcpy(image + at, &value, 4);
}

static inline void fixture_macho(const struct fixture_macho *m, uint8_t *image)
{
	memset(image, 0, FIXTURE_MACHO_SIZE);
	const uint32_t header[] = {0xfeedfacf, m->cputype, 3, m->filetype, 2, 176, 1, 0};
	memcpy(image, header, sizeof(header));
	fixture_put32(image, 32, 0x19); /* LC_SEGMENT_64 */
	fixture_put32(image, 36, 152);
	strcpy((char *)image + 40, "__DATA");
	fixture_put32(image, 64, 0x1000); /* vmsize */
	fixture_put32(image, 72, 208);	  /* fileoff */
	fixture_put32(image, 80, 196);	  /* filesize */
	fixture_put32(image, 88, 7);
	fixture_put32(image, 92, 3);
	fixture_put32(image, 96, 1); /* nsects */
	strcpy((char *)image + 104, "__data");
	strcpy((char *)image + 120, "__DATA");
	fixture_put32(image, 144, 196); /* size */
	fixture_put32(image, 152, 208); /* offset */
	fixture_put32(image, 156, 2);
	const uint32_t symtab[] = {2, 24, 404, 1, 420, 20};
	memcpy(image + 184, symtab, sizeof(symtab));
	fixture_put32(image, 208 + 8, 1); /* info_version */
	strcpy((char *)image + 208 + 16, m->name);
	strcpy((char *)image + 208 + 80, m->version);
	fixture_put32(image, 404, 1);
	image[408] = m->symbol_type;
	image[409] = m->symbol_type == 0x0f ? 1 : 0;
	strcpy((char *)image + 421, m->symbol);
}

#endif
