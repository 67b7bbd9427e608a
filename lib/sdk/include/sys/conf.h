/* The switch of character devices. */
#ifndef _SDK_SYS_CONF_H_
#define _SDK_SYS_CONF_H_

#include <sys/kernel_types.h>
#include <sys/types.h>

struct uio;
struct buf;
struct tty;

typedef int open_close_fcn_t(dev_t device, int flags, int type, struct proc *process);
typedef int read_write_fcn_t(dev_t device, struct uio *uio, int flags);
typedef int ioctl_fcn_t(dev_t device, u_long command, caddr_t data, int flags,
			struct proc *process);
typedef int stop_fcn_t(struct tty *tty, int flags);
typedef int reset_fcn_t(int number);
typedef int select_fcn_t(dev_t device, int which, void *link, struct proc *process);
typedef int mmap_fcn_t(void);
typedef void strategy_fcn_t(struct buf *buffer);

struct cdevsw {
	open_close_fcn_t *d_open, *d_close;
	read_write_fcn_t *d_read, *d_write;
	ioctl_fcn_t *d_ioctl;
	stop_fcn_t *d_stop;
	reset_fcn_t *d_reset;
	struct tty **d_ttys;
	select_fcn_t *d_select;
	mmap_fcn_t *d_mmap;
	strategy_fcn_t *d_strategy;
	void *d_reserved_1, *d_reserved_2;
	int d_type;
};

struct bdevsw {
	open_close_fcn_t *d_open, *d_close;
	strategy_fcn_t *d_strategy;
	ioctl_fcn_t *d_ioctl;
	int (*d_dump)(dev_t device);
	int (*d_psize)(dev_t device);
	int d_type;
};

__BEGIN_DECLS
int enodev(void);
void enodev_strat(void);
int nulldev(void);
int nullop(void);
int enxio(void);
int enoioctl(void);
int enosys(void);
int eopnotsupp(void);
int seltrue(void);
int cdevsw_isfree(int index);
int cdevsw_add(int index, struct cdevsw *device);
int cdevsw_add_with_bdev(int index, struct cdevsw *device, int block);
int cdevsw_remove(int index, struct cdevsw *device);
int bdevsw_isfree(int index);
int bdevsw_add(int index, struct bdevsw *device);
int bdevsw_remove(int index, struct bdevsw *device);
__END_DECLS

#endif
