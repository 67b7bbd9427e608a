/* I/O Kit's locks; each is the kernel's lock of the same kind. */
#ifndef _SDK_IOKIT_IOLOCKS_H_
#define _SDK_IOKIT_IOLOCKS_H_

#include <IOKit/IOTypes.h>
#include <kern/locks.h>

typedef lck_mtx_t IOLock;
typedef lck_rw_t IORWLock;
typedef lck_spin_t IOSimpleLock;
struct _IORecursiveLock;
typedef struct _IORecursiveLock IORecursiveLock;
typedef enum { kIOLockStateUnlocked = 0, kIOLockStateLocked = 1 } IOLockState;

__BEGIN_DECLS
IOLock *IOLockAlloc(void);
void IOLockFree(IOLock *lock);
lck_mtx_t *IOLockGetMachLock(IOLock *lock);
void IOLockInitWithState(IOLock *lock, IOLockState state);
void IOLockLock(IOLock *lock);
boolean_t IOLockTryLock(IOLock *lock);
void IOLockUnlock(IOLock *lock);
int IOLockSleep(IOLock *lock, void *event, UInt32 interruptible);
int IOLockSleepDeadline(IOLock *lock, void *event, AbsoluteTime deadline,
			UInt32 interruptible);
void IOLockWakeup(IOLock *lock, void *event, bool one);

IORecursiveLock *IORecursiveLockAlloc(void);
IORecursiveLock *IORecursiveLockAllocWithLockGroup(lck_grp_t *group);
void IORecursiveLockFree(IORecursiveLock *lock);
void IORecursiveLockLock(IORecursiveLock *lock);
boolean_t IORecursiveLockTryLock(IORecursiveLock *lock);
void IORecursiveLockUnlock(IORecursiveLock *lock);
boolean_t IORecursiveLockHaveLock(const IORecursiveLock *lock);
int IORecursiveLockSleep(IORecursiveLock *lock, void *event, UInt32 interruptible);
int IORecursiveLockSleepDeadline(IORecursiveLock *lock, void *event, AbsoluteTime deadline,
				 UInt32 interruptible);
lck_mtx_t *IORecursiveLockGetMachLock(IORecursiveLock *lock);
void IORecursiveLockWakeup(IORecursiveLock *lock, void *event, bool one);

IORWLock *IORWLockAlloc(void);
void IORWLockFree(IORWLock *lock);
void IORWLockRead(IORWLock *lock);
void IORWLockWrite(IORWLock *lock);
void IORWLockUnlock(IORWLock *lock);
lck_rw_t *IORWLockGetMachLock(IORWLock *lock);

IOSimpleLock *IOSimpleLockAlloc(void);
void IOSimpleLockFree(IOSimpleLock *lock);
void IOSimpleLockInit(IOSimpleLock *lock);
void IOSimpleLockDestroy(IOSimpleLock *lock);
lck_spin_t *IOSimpleLockGetMachLock(IOSimpleLock *lock);
void IOSimpleLockLock(IOSimpleLock *lock);
boolean_t IOSimpleLockTryLock(IOSimpleLock *lock);
void IOSimpleLockUnlock(IOSimpleLock *lock);
__END_DECLS

#endif
