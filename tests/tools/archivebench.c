/*
 * What archives and their codecs cost, as one JSON object of seconds and MB/s:
 *
 *	archivebench ROUNDS FILE...
 *
 * The bytes of the files become executables of kexts. Reading and writing an mkext 2 of
 * them, in memory and with all checks, is timed against bare zlib on the same bytes, on
 *one core and on two, turn by turn; each figure is the median.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <kext/archive.h>
#include "archive/parallel.h"
#include "base/file.h"
#include "base/memory.h"
#include "codec/lzss.h"
#include "codec/lzvn.h"

#define PIECE	   (1u << 20)
#define MAX_KEXTS  64
#define MAX_ROUNDS 31

static struct kext_context *context;
static struct kext_bundle *bundles[MAX_KEXTS];
static uint8_t *pieces[MAX_KEXTS];
static size_t count;
static void *archive;
static size_t archive_size;

static void must(int error, const char *what)
{
	if (error < 0) {
		fprintf(stderr, "archivebench: %s: %s\n", what, kext_error_string(error));
		exit(1);
	}
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- what is packed ---- */

static void add_kext(const uint8_t *data)
{
	/* The head of a Mach-O for x86_64, so that it counts as a slice for it. */
	static const uint32_t header[8] = {0xfeedfacf, 0x01000007, 3, 11};
	char identifier[64];
	struct kext_value *info = kext_value_new_dictionary();
	uint8_t *executable = mem_copy(data, PIECE);
	snprintf(identifier, sizeof(identifier), "com.example.kext%zu", count);
	memcpy(executable, header, sizeof(header));
	must(kext_value_set(info, "CFBundleIdentifier",
			    kext_value_new_string(identifier)),
	     "property list");
	must(kext_value_set(info, "CFBundleExecutable", kext_value_new_string("x")),
	     "property list");
	must(kext_value_set(info, "CFBundleVersion", kext_value_new_string("1.0")),
	     "property list");
	must(kext_bundle_new_archived(context, "/S/X.kext", "Contents/MacOS/x", info,
				      executable, PIECE, NULL, &bundles[count]),
	     "kext");
	kext_value_unref(info);
	pieces[count++] = executable;
}

static void read_file(const char *path)
{
	struct file_map map;
	must(file_map_path(-100, path, UINT64_C(1) << 32, &map), path);
	for (size_t at = 0; at + PIECE <= map.bytes.size && count < MAX_KEXTS;
	     at += PIECE)
		add_kext(map.bytes.data + at);
	file_unmap(&map);
}

/* ---- what is timed ---- */

static uint8_t *streams[MAX_KEXTS];
static uLongf stream_sizes[MAX_KEXTS];

static void bare_deflate(void)
{
	for (size_t i = 0; i < count; i++) {
		stream_sizes[i] = compressBound(PIECE);
		free(streams[i]);
		streams[i] = malloc(stream_sizes[i]);
		if (compress2(streams[i], &stream_sizes[i], pieces[i], PIECE, 6) != Z_OK)
			exit(1);
	}
}

static void bare_inflate(void)
{
	for (size_t i = 0; i < count; i++) {
		uLongf size = PIECE;
		uint8_t *out = malloc(PIECE);
		if (uncompress(out, &size, streams[i], stream_sizes[i]) != Z_OK)
			exit(1);
		free(out);
	}
}

static void pack_with(unsigned jobs)
{
	struct kext_mkext_options options = {.jobs = jobs};
	free(archive);
	must(kext_mkext_write(bundles, count, &options, NULL, &archive, &archive_size),
	     "mkext");
}

static void pack_one(void)
{
	pack_with(1);
}

static void pack_two(void)
{
	pack_with(2);
}

/* Into memory, where it stays until the archive goes. */
static int expand_one(void *data, size_t index)
{
	const void *executable;
	size_t size;
	return kext_bundle_executable(kext_archive_at(data, index), NULL, &executable,
				      &size);
}

static void unpack(void)
{
	struct kext_archive *open;
	must(kext_archive_open(context, archive, archive_size, "bench", NULL, NULL,
			       &open),
	     "mkext");
	if (kext_archive_count(open) != count)
		exit(1);
	must(parallel_run(0, count, expand_one, open), "executable");
	kext_archive_free(open);
}

static uint8_t *lzss_stream, *lzvn_stream, *plain;
static size_t lzss_size, lzvn_size, plain_size;

static void lzss_decoding(void)
{
	must(lzss_unpack(bytes_of(lzss_stream, lzss_size), plain, plain_size), "lzss");
}

static void lzvn_decoding(void)
{
	must(lzvn_decode(bytes_of(lzvn_stream, lzvn_size), plain, plain_size, NULL, NULL),
	     "lzvn");
}

static void lzss_encoding(void)
{
	free(lzss_stream);
	must(lzss_pack(bytes_of(plain, plain_size), plain_size, &lzss_stream, &lzss_size),
	     "lzss");
}

/* ---- timing ---- */

static cpu_set_t all_cores;

static void use_cores(unsigned wanted)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE && wanted; i++) {
		if (!CPU_ISSET(i, &all_cores))
			continue;
		CPU_SET(i, &set);
		wanted--;
	}
	sched_setaffinity(0, sizeof(set), &set);
}

static struct timed {
	const char *name;
	void (*work)(void);
	unsigned cores;
	double seconds[MAX_ROUNDS];
} timed[] = {
	{"deflate", bare_deflate, 1, {0}},
	{"pack1", pack_one, 1, {0}},
	{"pack2", pack_two, 2, {0}},
	{"inflate", bare_inflate, 1, {0}},
	{"unpack1", unpack, 1, {0}},
	{"unpack2", unpack, 2, {0}},
	{"lzss_encode", lzss_encoding, 1, {0}},
	{"lzss_decode", lzss_decoding, 1, {0}},
	{"lzvn_decode", lzvn_decoding, 1, {0}},
};
#define TIMED_COUNT (sizeof(timed) / sizeof(*timed))

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
	if (rounds < 1 || rounds > MAX_ROUNDS)
		return 64;
	must(kext_context_new(&context), "context");
	for (int i = 2; i < argc; i++)
		read_file(argv[i]);
	sched_getaffinity(0, sizeof(all_cores), &all_cores);
	plain_size = count * PIECE;
	plain = malloc(plain_size + 64);
	for (size_t i = 0; i < count; i++)
		memcpy(plain + i * PIECE, pieces[i], PIECE);
	must(lzvn_pack(bytes_of(plain, plain_size), &lzvn_stream, &lzvn_size), "lzvn");
	for (unsigned round = 0; round < rounds; round++) {
		for (size_t i = 0; i < TIMED_COUNT; i++) {
			use_cores(timed[i].cores);
			double start = now();
			timed[i].work();
			timed[i].seconds[round] = now() - start;
		}
	}
	printf("{\"bytes\": %zu", plain_size);
	for (size_t i = 0; i < TIMED_COUNT; i++) {
		qsort(timed[i].seconds, rounds, sizeof(double), compare);
		printf(", \"%s\": %.6f", timed[i].name, timed[i].seconds[rounds / 2]);
	}
	printf("}\n");
	return 0;
}
