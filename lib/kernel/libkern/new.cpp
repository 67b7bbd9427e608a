/* The language's own needs: global operators, and what compilers call at dead ends. */
#include <libkern/c++/OSLib.h>
#include "cxx.h"

void *operator new(size_t size)
{
	return kern_os_malloc(size);
}

void *operator new[](size_t size)
{
	return kern_os_malloc(size ? size : 1);
}

void operator delete(void *block) noexcept
{
	kern_os_free(block);
}

void operator delete[](void *block) noexcept
{
	kern_os_free(block);
}

void operator delete(void *block, size_t) noexcept
{
	kern_os_free(block);
}

void operator delete[](void *block, size_t) noexcept
{
	kern_os_free(block);
}

namespace std
{
void __throw_length_error(const char *what) __attribute__((noreturn));
void __throw_length_error(const char *what)
{
	panic("length error: %s", what);
}
} // namespace std

extern "C" {
void __cxa_pure_virtual(void);
int __cxa_atexit(void (*function)(void *), void *argument, void *image);

void __cxa_pure_virtual(void)
{
	panic("a pure virtual method was called");
}

/* The kernel ends all at once: its own classes are never destroyed. */
__attribute__((visibility("hidden"))) int __cxa_atexit(void (*)(void *), void *, void *)
{
	return 0;
}
}
