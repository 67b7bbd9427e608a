/* Filters of what sockets do. */
#ifndef _SDK_SYS_KPI_SOCKETFILTER_H_
#define _SDK_SYS_KPI_SOCKETFILTER_H_

#include <sys/kpi_mbuf.h>

struct sockaddr;
struct sockopt;
typedef struct sockopt *sockopt_t;
typedef u_int32_t sflt_handle;
typedef u_int32_t sflt_flags;

#define SFLT_GLOBAL	       0x01
#define SFLT_PROG	       0x02
#define SFLT_EXTENDED	       0x04
#define SFLT_EXTENDED_REGISTRY 0x08

enum {
	sock_evt_connecting = 1,
	sock_evt_connected = 2,
	sock_evt_disconnecting = 3,
	sock_evt_disconnected = 4,
	sock_evt_flush_read = 5,
	sock_evt_shutdown = 6,
	sock_evt_cantrecvmore = 7,
	sock_evt_cantsendmore = 8,
	sock_evt_closing = 9,
	sock_evt_bound = 10,
};
typedef u_int32_t sflt_event_t;
enum { sock_data_filt_flag_oob = 1, sock_data_filt_flag_record = 2 };
typedef u_int32_t sflt_data_flag_t;

typedef void (*sf_unregistered_func)(sflt_handle handle);
typedef errno_t (*sf_attach_func)(void **cookie, socket_t socket);
typedef void (*sf_detach_func)(void *cookie, socket_t socket);
typedef void (*sf_notify_func)(void *cookie, socket_t socket, sflt_event_t event,
			       void *parameter);
typedef int (*sf_getpeername_func)(void *cookie, socket_t socket, struct sockaddr **name);
typedef int (*sf_getsockname_func)(void *cookie, socket_t socket, struct sockaddr **name);
typedef errno_t (*sf_data_in_func)(void *cookie, socket_t socket,
				   const struct sockaddr *from, mbuf_t *data,
				   mbuf_t *control, sflt_data_flag_t flags);
typedef errno_t (*sf_data_out_func)(void *cookie, socket_t socket,
				    const struct sockaddr *to, mbuf_t *data,
				    mbuf_t *control, sflt_data_flag_t flags);
typedef errno_t (*sf_connect_in_func)(void *cookie, socket_t socket,
				      const struct sockaddr *from);
typedef errno_t (*sf_connect_out_func)(void *cookie, socket_t socket,
				       const struct sockaddr *to);
typedef errno_t (*sf_bind_func)(void *cookie, socket_t socket, const struct sockaddr *to);
typedef errno_t (*sf_setoption_func)(void *cookie, socket_t socket, sockopt_t option);
typedef errno_t (*sf_getoption_func)(void *cookie, socket_t socket, sockopt_t option);
typedef errno_t (*sf_listen_func)(void *cookie, socket_t socket);
typedef errno_t (*sf_ioctl_func)(void *cookie, socket_t socket, unsigned long request,
				 const char *argument);
typedef errno_t (*sf_accept_func)(void *cookie, socket_t listening, socket_t socket,
				  const struct sockaddr *local,
				  const struct sockaddr *remote);

/* Looked at with SFLT_EXTENDED. */
struct sflt_filter_ext {
	unsigned int sf_len;
	sf_accept_func sf_ext_accept;
	void *sf_ext_rsvd[5];
};

struct sflt_filter {
	sflt_handle sf_handle;
	int sf_flags;
	char *sf_name;
	sf_unregistered_func sf_unregistered;
	sf_attach_func sf_attach;
	sf_detach_func sf_detach;
	sf_notify_func sf_notify;
	sf_getpeername_func sf_getpeername;
	sf_getsockname_func sf_getsockname;
	sf_data_in_func sf_data_in;
	sf_data_out_func sf_data_out;
	sf_connect_in_func sf_connect_in;
	sf_connect_out_func sf_connect_out;
	sf_bind_func sf_bind;
	sf_setoption_func sf_setoption;
	sf_getoption_func sf_getoption;
	sf_listen_func sf_listen;
	sf_ioctl_func sf_ioctl;
	struct sflt_filter_ext sf_ext;
};

__BEGIN_DECLS
errno_t sflt_register(const struct sflt_filter *filter, int domain, int type, int protocol);
errno_t sflt_unregister(sflt_handle handle);
__END_DECLS

#endif
