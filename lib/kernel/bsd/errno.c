/* Errors of the host in Darwin's numbers: equal up to 34, but for two. */
#include <errno.h>
#include "kernel/bsd/files.h"

int darwin_errno(int error)
{
	static const unsigned char numbers[] = {
		[EAGAIN] = XNU_EAGAIN,
		[EDEADLK] = XNU_EDEADLK,
		[ENAMETOOLONG] = XNU_ENAMETOOLONG,
		[ENOSYS] = XNU_ENOSYS,
		[ENOTEMPTY] = XNU_ENOTEMPTY,
		[ELOOP] = XNU_ELOOP,
		[EOVERFLOW] = XNU_EOVERFLOW,
		[EILSEQ] = XNU_EILSEQ,
		[EOPNOTSUPP] = XNU_ENOTSUP,
		[ENOBUFS] = XNU_ENOBUFS,
		[ETIMEDOUT] = XNU_ETIMEDOUT,
		[ESTALE] = XNU_ESTALE,
		[EDQUOT] = XNU_EDQUOT,
		[ECANCELED] = XNU_ECANCELED,
	};
	if (error < 0)
		return XNU_EIO;
	if ((size_t)error < sizeof(numbers) && numbers[error])
		return numbers[error];
	return error <= ERANGE ? error : XNU_EIO;
}
