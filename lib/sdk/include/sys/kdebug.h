/* Trace points. The variable says whether anybody records them. */
#ifndef _SDK_SYS_KDEBUG_H_
#define _SDK_SYS_KDEBUG_H_

#include <stdint.h>
#include <sys/cdefs.h>

#define DBG_FUNC_NONE  0u
#define DBG_FUNC_START 1u
#define DBG_FUNC_END   2u

/* Class, subclass and code of an event, to which a function is added. */
#define KDBG_EVENTID(class, subclass, code)                                              \
	((((class)&0xffu) << 24) | (((subclass)&0xffu) << 16) | (((code)&0x3fffu) << 2))
#define KDBG_CODE(class, subclass, code) KDBG_EVENTID(class, subclass, code)

__BEGIN_DECLS
extern unsigned int kdebug_enable;
void kernel_debug(uint32_t event, uintptr_t first, uintptr_t second, uintptr_t third,
		  uintptr_t fourth, uintptr_t thread);
void kernel_debug1(uint32_t event, uintptr_t first, uintptr_t second, uintptr_t third,
		   uintptr_t fourth, uintptr_t fifth);
__END_DECLS

#define KERNEL_DEBUG_CONSTANT(event, a, b, c, d, e)                                      \
	do {                                                                             \
		if (kdebug_enable)                                                       \
			kernel_debug((event), (uintptr_t)(a), (uintptr_t)(b),            \
				     (uintptr_t)(c), (uintptr_t)(d), (uintptr_t)(e));    \
	} while (0)

#endif
