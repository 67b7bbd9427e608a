/*
 * Who called whom on a stack that may be damaged. Kexts and the kernel keep frame
 * pointers; the host's libraries do not, and a thread that waits is in one of them: from
 * there the stack is searched for the first return address into our code. Every word is
 * read with a guarded copy.
 */
#include "kernel/machine/machine.h"
#include "macho/format.h"

#define SEARCHED   256u	      /* words of stack below a library's caller */
#define STACK_SPAN (1u << 20) /* how far a caller's frame may lie */

extern const char __executable_start[], etext[];

static bool is_code(uint64_t address)
{
	if (address >= (uint64_t)__executable_start && address < (uint64_t)etext)
		return true;
	const struct kmod *kext = kmod_by_address(address);
	const struct kmod_range *segment =
		kext && !kext->is_component ? kmod_segment_at(kext, address, 1) : NULL;
	return segment && segment->protection & VM_PROT_EXECUTE;
}

static bool read_word(uint64_t address, uint64_t *ret)
{
	return address % 8 == 0 &&
	       machine_guarded_copy(ret, (const void *)address, sizeof(*ret)) == 0;
}

/* Whether `rbp` may be the frame pointer of a function that called from below it. */
static bool is_frame(uint64_t rbp, uint64_t rsp)
{
	uint64_t caller;
	return rbp >= rsp && rbp - rsp < STACK_SPAN && read_word(rbp + 8, &caller) &&
	       is_code(caller);
}

/*
 * A library function keeps its caller's frame pointer, in the register or somewhere
 * between its stack pointer and its return address.
 */
static bool leave_library(struct frame_state *state)
{
	uint64_t saved = state->rbp;
	for (unsigned i = 0; i < SEARCHED; i++) {
		uint64_t word, at = state->rsp + 8 * i;
		if (!read_word(at, &word))
			return false;
		if (is_code(word)) {
			*state = (struct frame_state){
				word, at + 8, is_frame(saved, at + 8) ? saved : 0};
			return true;
		}
		if (!is_frame(saved, at + 8) && is_frame(word, at + 8))
			saved = word;
	}
	return false;
}

/* The chain of frames: each is {caller's frame, return address}, at growing addresses. */
static bool step(struct frame_state *state)
{
	uint64_t frame[2];
	if (state->rbp % 8 ||
	    machine_guarded_copy(frame, (const void *)state->rbp, sizeof(frame)) != 0 ||
	    frame[1] == 0)
		return false;
	*state = (struct frame_state){frame[1], state->rbp + 16,
				      frame[0] > state->rbp ? frame[0] : 0};
	return true;
}

unsigned backtrace(struct frame_state state, uint64_t *addresses, unsigned max)
{
	unsigned count = 0;
	bool was_library = false;
	while (count < max) {
		addresses[count++] = state.rip;
		bool is_library = !is_code(state.rip);
		bool went = is_library && !was_library && state.rsp
				    ? leave_library(&state) || step(&state)
				    : step(&state);
		was_library = is_library;
		if (!went)
			break;
	}
	return count;
}
