/* Bodies of whole runs of reserved slots. */
#ifndef KERNEL_LIBKERN_PADS_H
#define KERNEL_LIBKERN_PADS_H

#include <libkern/c++/OSMetaClass.h>

#define PAD(c, index) OSMetaClassDefineReservedUnused(c, index)
#define PADS_0_3(c)   PAD(c, 0) PAD(c, 1) PAD(c, 2) PAD(c, 3)
#define PADS_2_7(c)   PAD(c, 2) PAD(c, 3) PAD(c, 4) PAD(c, 5) PAD(c, 6) PAD(c, 7)
#define PADS_1_7(c)   PAD(c, 1) PADS_2_7(c)
#define PADS_0_7(c)   PAD(c, 0) PADS_1_7(c)
#define PADS_8_15(c)                                                                     \
	PAD(c, 8)                                                                        \
	PAD(c, 9)                                                                        \
	PAD(c, 10) PAD(c, 11) PAD(c, 12) PAD(c, 13) PAD(c, 14) PAD(c, 15)

#endif
