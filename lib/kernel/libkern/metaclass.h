/* What the files of OSMetaClass share. */
#ifndef KERNEL_LIBKERN_METACLASS_H
#define KERNEL_LIBKERN_METACLASS_H

#include <libkern/c++/OSContainers.h>

struct OSMetaClass::ExpansionData {
	OSOrderedSet *instances;
	const OSSymbol *kext; /* retained; NULL until registered */
	OSMetaClass *next;    /* registered classes, newest first */
	unsigned int retain;  /* by copyMetaClassWithName */
};

/* The registry; both need LIBKERN_CLASSES. NULL before the first registration. */
extern OSDictionary *metaclass_dictionary;
extern OSMetaClass *metaclass_list;

#endif
