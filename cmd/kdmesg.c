/* kdmesg: the userland kernel's log. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include "common/instance.h"
#include "common/print.h"

static bool wait_for_more;
static const char *instance_text;

static const struct option_row rows[] = {
	{'w', "follow", OPTION_FLAG, &wait_for_more, NULL, "go on as the log grows",
	 NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kdmesg",
	.synopsis = "[-hw]",
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

int main(int argc, char **argv)
{
	struct kext_client *client = NULL;
	print_start(command.name);
	options_parse(&command, argc, argv);
	int error = instance_connect(instance_named(&command, instance_text), 0, &client);
	if (error == 1)
		error = print_log(client);
	kext_client_free(client);
	return print_finish(kext_error_exit_status(error));
}
