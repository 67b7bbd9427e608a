/* Strings and memory. */
#include <libkern/libkern.h>
