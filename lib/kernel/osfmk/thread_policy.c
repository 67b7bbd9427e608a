/*
 * Scheduling policies: validated as Darwin does, without effect on the host's scheduler.
 */
#include "kernel/osfmk/osfmk.h"

enum {
	POLICY_EXTENDED = 1,
	POLICY_TIME_CONSTRAINT = 2,
	POLICY_PRECEDENCE = 3,
	POLICY_AFFINITY = 4,
	POLICY_LATENCY_QOS = 7,
	POLICY_THROUGHPUT_QOS = 8,
};
/* Bounds of a real-time computation, nanoseconds. */
enum { COMPUTATION_MIN = 50000, COMPUTATION_MAX = 50000000 };

/* info: period, computation, constraint, preemptible. */
static bool is_valid_constraint(const int32_t *info)
{
	uint32_t computation = (uint32_t)info[1], constraint = (uint32_t)info[2];

	return constraint >= computation && computation >= COMPUTATION_MIN &&
	       computation <= COMPUTATION_MAX;
}

kern_return_t thread_policy_set(struct thread *thread, uint32_t flavor, int32_t *info,
				uint32_t count)
{
	if (!thread || !info)
		return KERN_INVALID_ARGUMENT;
	switch (flavor) {
	case POLICY_TIME_CONSTRAINT:
		return count >= 4 && is_valid_constraint(info) ? KERN_SUCCESS
							       : KERN_INVALID_ARGUMENT;
	case POLICY_EXTENDED:
	case POLICY_PRECEDENCE:
	case POLICY_LATENCY_QOS:
	case POLICY_THROUGHPUT_QOS:
		return count >= 1 ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
	case POLICY_AFFINITY:
		return count >= 1 ? KERN_NOT_SUPPORTED : KERN_INVALID_ARGUMENT;
	default:
		return KERN_INVALID_ARGUMENT;
	}
}
KPI(thread_policy_set);
