/* uio: vectors, positions, and moving bytes either way. */
#include "kpi.h"
#include <sys/errno.h>
#include <sys/uio.h>

static void check_records(void)
{
	char a[8], b[8];
	user_addr_t base = 0;
	user_size_t size = 0;
	uio_t uio = uio_create(2, 100, UIO_SYSSPACE, UIO_READ), copy;

	CHECK("uio-empty", uio_resid(uio) == 0 && uio_iovcnt(uio) == 0 &&
				   uio_curriovlen(uio) == 0 && uio_curriovbase(uio) == 0);
	CHECK("uio-addiov", uio_addiov(uio, (user_addr_t)a, 8) == 0 &&
				    uio_addiov(uio, (user_addr_t)b, 4) == 0 &&
				    uio_resid(uio) == 12 && uio_iovcnt(uio) == 2);
	CHECK("uio-full", uio_addiov(uio, (user_addr_t)b, 4) == -1);
	CHECK("uio-getiov", uio_getiov(uio, 1, &base, &size) == 0 &&
				    base == (user_addr_t)b && size == 4 &&
				    uio_getiov(uio, 2, &base, &size) == -1 &&
				    uio_getiov(uio, -1, &base, &size) == -1);
	CHECK("uio-facts",
	      uio_rw(uio) == UIO_READ && !uio_isuserspace(uio) && uio_offset(uio) == 100);
	uio_update(uio, 3);
	CHECK("uio-update", uio_curriovbase(uio) == (user_addr_t)(a + 3) &&
				    uio_curriovlen(uio) == 5 && uio_resid(uio) == 9 &&
				    uio_offset(uio) == 103);
	copy = uio_duplicate(uio);
	/* More than the vector has ends it, and is counted whole. */
	uio_update(uio, 7);
	CHECK("uio-update-over", uio_curriovbase(uio) == (user_addr_t)b &&
					 uio_curriovlen(uio) == 4 &&
					 uio_iovcnt(uio) == 1 && uio_resid(uio) == 2 &&
					 uio_offset(uio) == 110);
	CHECK("uio-duplicate", uio_resid(copy) == 9 && uio_iovcnt(copy) == 2);
	uio_free(copy);
	uio_reset(uio, 5, UIO_USERSPACE, UIO_WRITE);
	CHECK("uio-reset", uio_resid(uio) == 0 && uio_offset(uio) == 5 &&
				   uio_rw(uio) == UIO_WRITE && uio_isuserspace(uio) &&
				   uio_addiov(uio, (user_addr_t)a, 1) == 0);
	uio_setoffset(uio, 6);
	uio_setrw(uio, UIO_READ);
	uio_setresid(uio, 0);
	CHECK("uio-set",
	      uio_offset(uio) == 6 && uio_rw(uio) == UIO_READ && uio_resid(uio) == 0);
	uio_free(uio);
	CHECK("uio-resid-of-nothing", uio_resid(NULL) == 0);
}

static void check_moves(void)
{
	char text[] = "0123456789", a[4], b[8];
	uio_t uio = uio_create(3, 0, UIO_SYSSPACE, UIO_READ);

	uio_addiov(uio, (user_addr_t)a, 4);
	uio_addiov(uio, (user_addr_t)(b + 7), 0);
	uio_addiov(uio, (user_addr_t)b, 4);
	CHECK("uiomove-out", uiomove(text, 6, uio) == 0 && !memcmp(a, "0123", 4) &&
				     !memcmp(b, "45", 2) && uio_resid(uio) == 2 &&
				     uio_offset(uio) == 6);
	CHECK("uiomove-to-the-end", uiomove(text, 10, uio) == 0 &&
					    !memcmp(b, "4501", 4) && uio_resid(uio) == 0);
	CHECK("uiomove-nothing",
	      uiomove(text, 0, uio) == 0 && uiomove(text, -5, uio) == 0);
	uio_reset(uio, 0, UIO_SYSSPACE, UIO_WRITE);
	uio_addiov(uio, (user_addr_t)text, 10);
	CHECK("uiomove-in", uiomove64((u_int64_t)b, 8, uio) == 0 &&
				    !memcmp(b, "01234567", 8) && uio_resid(uio) == 2);
	/* A kernel thread's user memory is the kernel's; what is not there is a fault. */
	uio_reset(uio, 0, UIO_USERSPACE64, UIO_WRITE);
	uio_addiov(uio, (user_addr_t)text, 2);
	uio_addiov(uio, 16, 8);
	CHECK("uiomove-fault",
	      uiomove(b, 8, uio) == EFAULT && uio_resid(uio) == 8 && !memcmp(b, "01", 2));
	uio_free(uio);
}

void check(void)
{
	check_records();
	check_moves();
}
