/* uio: where the bytes of a transfer go to or come from. */
#ifndef _SDK_SYS_UIO_H_
#define _SDK_SYS_UIO_H_

#include <sys/kernel_types.h>
#include <sys/types.h>

enum uio_rw { UIO_READ, UIO_WRITE };

enum uio_seg {
	UIO_USERSPACE = 0,
	UIO_SYSSPACE = 2,
	UIO_USERSPACE32 = 5,
	UIO_USERSPACE64 = 8,
	UIO_SYSSPACE32 = 11,
};

__BEGIN_DECLS
uio_t uio_create(int max, off_t offset, int space, int direction);
void uio_reset(uio_t uio, off_t offset, int space, int direction);
uio_t uio_duplicate(uio_t uio);
void uio_free(uio_t uio);
int uio_addiov(uio_t uio, user_addr_t base, user_size_t size);
int uio_getiov(uio_t uio, int index, user_addr_t *base, user_size_t *size);
int uio_iovcnt(uio_t uio);
int uio_rw(uio_t uio);
void uio_setrw(uio_t uio, int direction);
int uio_isuserspace(uio_t uio);
off_t uio_offset(uio_t uio);
void uio_setoffset(uio_t uio, off_t offset);
user_ssize_t uio_resid(uio_t uio);
void uio_setresid(uio_t uio, user_ssize_t resid);
user_addr_t uio_curriovbase(uio_t uio);
user_size_t uio_curriovlen(uio_t uio);
void uio_update(uio_t uio, user_size_t size);
int uiomove(const char *data, int size, uio_t uio);
int uiomove64(u_int64_t data, int size, uio_t uio);
__END_DECLS

#endif
