/* The C++ side of a kext's start and end; each returns an OSReturn. */
#ifndef KERNEL_LIBKERN_OSRUNTIME_H
#define KERNEL_LIBKERN_OSRUNTIME_H

#include "kernel/machine/machine.h"

#define kOSMetaClassHasInstances 0xdc004002u

/*
 * Runs the constructors and registers the classes, all or none. When a class exists
 * already or a constructor fails, what was constructed is destroyed again.
 */
uint32_t OSRuntimeInitializeCPP(struct kmod *kext);
/* Refuses while a class of the kext has instances, and logs which; else runs destructors.
 */
uint32_t OSRuntimeFinalizeCPP(struct kmod *kext);
/* Runs the destructors whatever there is. */
void OSRuntimeUnloadCPP(const struct kmod *kext);

#endif
