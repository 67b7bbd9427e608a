/* A kextd that was started on demand leaves when it has been idle and empty for long
 * enough. */
#include <sys/timerfd.h>
#include "daemon/daemon.h"

static bool is_empty(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->done_lock);
	bool is_busy = daemon->running > 0;
	pthread_mutex_unlock(&daemon->done_lock);
	if (is_busy || daemon->client_count)
		return false;
	struct kernel *kernel = supervisor_peek(daemon);
	bool is_loaded = kernel && kernel_image_count(kernel) > 0;
	kernel_unref(kernel);
	return !is_loaded;
}

static uint64_t limit(const struct daemon *daemon)
{
	return daemon->options->idle_seconds * UINT64_C(1000000);
}

static int on_timer(sd_event_source *source, uint64_t now, void *data)
{
	struct daemon *daemon = data;
	uint64_t since = daemon_now();
	(void)now;
	if (!is_empty(daemon))
		daemon->last_activity = since;
	if (since - daemon->last_activity >= limit(daemon)) {
		daemon_log(daemon, "idle and empty: leaving");
		return sd_event_exit(daemon->event, 0);
	}
	sd_event_source_set_time(source, daemon->last_activity + limit(daemon));
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int idle_start(struct daemon *daemon)
{
	if (!daemon->options->idle_seconds)
		return 0;
	daemon->last_activity = daemon_now();
	/* A second's slack lets the kernel wake us along with others. */
	int error = sd_event_add_time(daemon->event, NULL, CLOCK_MONOTONIC,
				      daemon->last_activity + limit(daemon), 1000000,
				      on_timer, daemon);
	return error < 0 ? error : 0;
}
