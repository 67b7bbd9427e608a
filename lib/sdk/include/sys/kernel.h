/* Clock frequency and the like; kexts include it for sys/time.h. */
#include <sys/time.h>
