/* Signals that cancel; see interrupt.h. */
#include <signal.h>
#include "common/interrupt.h"

static struct kext_client *volatile client;
static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
	kext_client_cancel(client);
}

void interrupt_cancels(struct kext_client *of)
{
	struct sigaction action = {.sa_handler = of ? interrupt : SIG_DFL,
				   .sa_flags = SA_RESTART};
	if (of)
		client = of;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupt_came(void)
{
	return is_interrupted;
}
