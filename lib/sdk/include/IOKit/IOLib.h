/* I/O Kit's C library: log, memory, threads, delays. */
#ifndef _SDK_IOKIT_IOLIB_H_
#define _SDK_IOKIT_IOLIB_H_

#include <IOKit/IOLocks.h>
#include <IOKit/IOReturn.h>
#include <IOKit/IOTypes.h>
#include <kern/debug.h>
#include <libkern/OSAtomic.h>
#include <libkern/libkern.h>
#include <stdarg.h>
#include <sys/cdefs.h>

typedef void (*IOThreadFunc)(void *argument);
typedef thread_t IOThread;
typedef struct IONamedValue {
	int value;
	const char *name;
} IONamedValue;

__BEGIN_DECLS
void IOLog(const char *format, ...) __printflike(1, 2);
void IOLogv(const char *format, va_list arguments) __printflike(1, 0);
void kprintf(const char *format, ...) __printflike(1, 2);
void Debugger(const char *reason);

void *IOMalloc(vm_size_t size);
void *IOMallocZero(vm_size_t size);
void IOFree(void *address, vm_size_t size);
void *IOMallocAligned(vm_size_t size, vm_offset_t alignment);
void IOFreeAligned(void *address, vm_size_t size);
void *IOMallocContiguous(vm_size_t size, vm_size_t alignment, IOPhysicalAddress *physical);
void IOFreeContiguous(void *address, vm_size_t size);
void *IOMallocPageable(vm_size_t size, vm_size_t alignment);
void IOFreePageable(void *address, vm_size_t size);

IOReturn IOFlushProcessorCache(task_t task, IOVirtualAddress address, IOByteCount size);
IOReturn IOSetProcessorCacheMode(task_t task, IOVirtualAddress address, IOByteCount size,
				 IOOptionBits mode);
UInt8 IOMappedRead8(IOPhysicalAddress address);
UInt16 IOMappedRead16(IOPhysicalAddress address);
UInt32 IOMappedRead32(IOPhysicalAddress address);
UInt64 IOMappedRead64(IOPhysicalAddress address);
void IOMappedWrite8(IOPhysicalAddress address, UInt8 value);
void IOMappedWrite16(IOPhysicalAddress address, UInt16 value);
void IOMappedWrite32(IOPhysicalAddress address, UInt32 value);
void IOMappedWrite64(IOPhysicalAddress address, UInt64 value);

void IOSleep(unsigned int milliseconds);
void IOSleepWithLeeway(unsigned int milliseconds, unsigned int leeway);
void IOGetTime(mach_timespec_t *now);
void IODelay(unsigned int microseconds);
void IOPause(unsigned int nanoseconds);
IOThread IOCreateThread(IOThreadFunc function, void *argument);
void IOExitThread(void) __dead2;
IOAlignment IOSizeToAlignment(unsigned int size);
unsigned int IOAlignmentToSize(IOAlignment alignment);
const char *IOFindNameForValue(int value, const IONamedValue *names);
IOReturn IOFindValueForName(const char *name, const IONamedValue *names, int *value);
__END_DECLS

#define IONew(type, number) ((type *)IOMalloc(sizeof(type) * (number)))
#define IODelete(pointer, type, number) IOFree((pointer), sizeof(type) * (number))

#endif
