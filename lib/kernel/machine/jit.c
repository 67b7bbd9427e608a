/*
 * What a debugger is told of kexts, by gdb's interface for programs that make code at run
 * time: a list of symbol files in memory, and a function with a breakpoint of gdb's,
 * which is called when the list changes. The files are kextd's; nothing here looks into
 * them.
 */
#include <stdlib.h>
#include "base/memory.h"
#include "kernel/machine/machine.h"

/* Names, layouts and numbers are gdb's. */
enum jit_action { JIT_NONE, JIT_REGISTER, JIT_UNREGISTER };

struct jit_entry {
	struct jit_entry *next, *previous;
	const uint8_t *file;
	uint64_t size;
};

struct jit_descriptor {
	uint32_t version, action;
	struct jit_entry *relevant, *first;
};

extern struct jit_descriptor __jit_debug_descriptor;
struct jit_descriptor __jit_debug_descriptor = {.version = 1};

void __jit_debug_register_code(void);
__attribute__((noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

static void tell(enum jit_action action, struct jit_entry *entry)
{
	__jit_debug_descriptor.action = action;
	__jit_debug_descriptor.relevant = entry;
	__jit_debug_register_code();
	__jit_debug_descriptor.action = JIT_NONE;
	__jit_debug_descriptor.relevant = NULL;
}

struct jit_entry *jit_add(struct bytes file)
{
	struct jit_entry *entry =
		file.size ? mem_zero(1, sizeof(*entry) + file.size) : NULL;
	if (!entry)
		return NULL;
	memcpy(entry + 1, file.data, file.size);
	entry->file = (const uint8_t *)(entry + 1);
	entry->size = file.size;
	entry->next = __jit_debug_descriptor.first;
	if (entry->next)
		entry->next->previous = entry;
	__jit_debug_descriptor.first = entry;
	tell(JIT_REGISTER, entry);
	return entry;
}

void jit_remove(struct jit_entry *entry)
{
	if (!entry)
		return;
	if (entry->next)
		entry->next->previous = entry->previous;
	if (entry->previous)
		entry->previous->next = entry->next;
	else
		__jit_debug_descriptor.first = entry->next;
	tell(JIT_UNREGISTER, entry);
	free(entry);
}
