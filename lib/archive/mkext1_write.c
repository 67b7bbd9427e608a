/*
 * Writes mkext 1 as Darwin's kextcache of 10.6 does for 10.2 to 10.5: the table, then
 * property list and executable of each kext, one behind the other, LZSS streams where
 * that is not longer. Times in the table are 0.
 */
#include <errno.h>
#include "archive/mkext.h"
#include "archive/parallel.h"
#include "base/memory.h"
#include "bundle/text.h"
#include "codec/lzss.h"

#define RECORD_SIZE 16u
/* What Open Firmware's loader has room for. */
#define PPC_LIMIT (UINT32_C(16) << 20)

/* Property list and executable of each kext, in this order. */
struct table {
	struct mkext_writer *writer;
	struct mkext_file *plists, *executables;
};

static int pack(struct mkext_file *file, bool store)
{
	if (store || !file->plain.data)
		return 0;
	return lzss_pack(file->plain, file->plain.size, &file->packed,
			 &file->packed_size);
}

static int pack_kext(void *data, size_t index)
{
	struct table *table = data;
	const struct kext_mkext_options *options = table->writer->options;
	int error = pack(&table->plists[index], options->store_plist);
	return error < 0 ? error
			 : pack(&table->executables[index], options->store_executables);
}

static int read_plists(struct table *table)
{
	for (size_t i = 0; i < table->writer->count; i++) {
		void *text;
		size_t size;
		int error = bundle_info_text(table->writer->bundles[i],
					     table->writer->diagnostics, &text, &size);
		if (error < 0)
			return error;
		table->plists[i].plain = bytes_of(text, size);
	}
	return 0;
}

static int append(struct mkext_writer *writer, struct buffer *out, size_t record,
		  struct mkext_file *file)
{
	if (!file->plain.data)
		return 0;
	if (out->size > INT32_MAX)
		return mkext_too_large(writer, "mkext");
	buffer_set_u32(out, record, (uint32_t)out->size, true);
	buffer_set_u32(out, record + 4, (uint32_t)file->packed_size, true);
	buffer_set_u32(out, record + 8, (uint32_t)file->plain.size, true);
	if (file->packed)
		buffer_append(out, file->packed, file->packed_size);
	else
		buffer_append(out, file->plain.data, file->plain.size);
	mkext_drop_packed(file);
	return buffer_error(out);
}

static int append_all(struct table *table, struct buffer *out)
{
	struct mkext_writer *writer = table->writer;
	buffer_zeros(out, MKEXT_CORE_SIZE + writer->count * 2 * RECORD_SIZE);
	int error = buffer_error(out);
	for (size_t i = 0; error == 0 && i < writer->count; i++) {
		size_t record = MKEXT_CORE_SIZE + i * 2 * RECORD_SIZE;
		error = append(writer, out, record, &table->plists[i]);
		if (error == 0)
			error = append(writer, out, record + RECORD_SIZE,
				       &table->executables[i]);
	}
	return error;
}

static int check_size(struct mkext_writer *writer, const struct buffer *out)
{
	if (writer->arch->cputype != KEXT_CPU_PPC || out->size <= PPC_LIMIT)
		return 0;
	kext_diagnose(writer->diagnostics, KEXT_ERROR, "archive.size", "mkext",
		      "leave kexts out with -l, -n or -s",
		      "has %zu bytes for ppc, whose booter takes no more than 16 MiB",
		      out->size);
	return KEXT_ERR_UNSUPPORTED;
}

int mkext1_write(struct mkext_writer *writer, struct buffer *out)
{
	struct table table = {
		.writer = writer,
		.plists = mem_zero(writer->count + 1, sizeof(*table.plists)),
		.executables = mem_zero(writer->count + 1, sizeof(*table.executables)),
	};
	int error = table.plists && table.executables ? 0 : -ENOMEM;
	if (error == 0)
		error = mkext_take_slices(writer, table.executables);
	if (error == 0)
		error = read_plists(&table);
	if (error == 0)
		error = parallel_run(writer->options->jobs, writer->count, pack_kext,
				     &table);
	if (error == 0)
		error = append_all(&table, out);
	if (error == 0)
		error = check_size(writer, out);
	for (size_t i = 0; table.plists && i < writer->count; i++)
		free((void *)table.plists[i].plain.data);
	mkext_files_free(table.plists, writer->count);
	mkext_files_free(table.executables, writer->count);
	return error == 0 ? mkext_finish(writer, out, MKEXT_VERSION_1) : error;
}
