/* Memory of the client whose request is being served. */
#ifndef _SDK_LIBKERN_COPYIO_H_
#define _SDK_LIBKERN_COPYIO_H_

#include <sys/types.h>

__BEGIN_DECLS
int copyin(const user_addr_t from, void *to, size_t size);
int copyout(const void *from, user_addr_t to, size_t size);
int copyinstr(const user_addr_t from, void *to, size_t size, size_t *done);
int copyoutstr(const void *from, user_addr_t to, size_t size, size_t *done);
int copystr(const void *from, void *to, size_t size, size_t *done);
__END_DECLS

#endif
