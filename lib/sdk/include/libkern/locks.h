/* The locks of kern/locks.h under their libkern name. */
#include <kern/locks.h>
