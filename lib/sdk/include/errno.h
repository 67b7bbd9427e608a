/* The usual name of sys/errno.h. */
#include <sys/errno.h>
