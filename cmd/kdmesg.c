/* kdmesg: the userland kernel's log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "common/instance.h"
#include "common/json.h"
#include "common/print.h"

static bool wait_for_more, as_json;
static const char *instance_text;

static const struct option_row rows[] = {
	{'w', "follow", OPTION_FLAG, &wait_for_more, NULL, "go on as the log grows",
	 NULL},
	{0, "json", OPTION_FLAG, &as_json, NULL, "print JSON", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kdmesg",
	.synopsis = "[-hw] [--json]",
	.purpose = "Prints the log of the userland kernel.",
	.rows = rows,
};

/* Until the log's end, or with -w until kextd leaves. */
static int print_log(struct kext_client *client)
{
	uint64_t position = 0, before;
	bool is_first = true;
	char *text;
	int error;
	do {
		before = position;
		error = kext_client_log(client, &position, wait_for_more && !is_first,
					&text);
		if (error < 0)
			break;
		is_first = false;
		fputs(text, stdout);
		free(text);
		if (fflush(stdout) != 0)
			break;
	} while (wait_for_more || position != before);
	if (error == KEXT_ERR_NO_SERVER && wait_for_more)
		return 0;
	if (error < 0)
		print_error("cannot read the log - %s", kext_error_string(error));
	return error;
}

/* ---- JSON ---- */

static int add_lines(struct kext_value *lines, char *text)
{
	int error = 0;
	for (char *line = text, *end; error == 0 && *line; line = end) {
		size_t length = strcspn(line, "\n");
		end = line + length + (line[length] == '\n');
		error = kext_value_append(lines, kext_value_new_string_n(line, length));
	}
	return error;
}

/* The log up to its end. */
static int read_whole(struct kext_client *client, char **ret_text)
{
	char *whole = NULL, *text;
	size_t size = 0;
	uint64_t position = 0, before;
	FILE *stream = open_memstream(&whole, &size);
	int error = stream ? 0 : -ENOMEM;
	do {
		before = position;
		if (error == 0)
			error = kext_client_log(client, &position, false, &text);
		if (error == 0) {
			fputs(text, stream);
			free(text);
		}
	} while (error == 0 && position != before);
	if (stream && fclose(stream) != 0 && error == 0)
		error = -ENOMEM;
	if (error == 0)
		*ret_text = whole;
	else
		free(whole);
	return error;
}

/* Without a client no kernel runs, and there are no lines. */
static int print_json(struct kext_client *client)
{
	char *text = NULL;
	struct kext_value *lines = kext_value_new_array();
	int error = client ? read_whole(client, &text) : 0;
	if (error == 0 && text)
		error = lines ? add_lines(lines, text) : -ENOMEM;
	free(text);
	if (error == 0)
		return json_print(json_document_of("kdmesg/1", "lines", lines));
	kext_value_unref(lines);
	print_error("cannot read the log - %s", kext_error_string(error));
	return error;
}

int main(int argc, char **argv)
{
	struct kext_client *client = NULL;
	print_start(command.name);
	options_parse(&command, argc, argv);
	if (as_json && wait_for_more)
		options_fail(&command, "--json does not go with -w, which has no end");
	int error = instance_connect(instance_named(&command, instance_text), 0, &client);
	if (error >= 0 && as_json)
		error = print_json(client);
	else if (error == 1)
		error = print_log(client);
	kext_client_free(client);
	return print_finish(kext_error_exit_status(error));
}
