/* The unified log, as far as the kernel has it. */
#ifndef _SDK_OS_LOG_H_
#define _SDK_OS_LOG_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>

typedef struct os_log_s *os_log_t;
typedef uint8_t os_log_type_t;
#define OS_LOG_TYPE_DEFAULT 0x00
#define OS_LOG_TYPE_INFO    0x01
#define OS_LOG_TYPE_DEBUG   0x02
#define OS_LOG_TYPE_ERROR   0x10
#define OS_LOG_TYPE_FAULT   0x11

__BEGIN_DECLS
extern struct os_log_s _os_log_default;
os_log_t os_log_create(const char *subsystem, const char *category);
bool os_log_info_enabled(os_log_t log);
bool os_log_debug_enabled(os_log_t log);
void _os_log_internal(void *image, os_log_t log, os_log_type_t type, const char *format, ...);
__END_DECLS

#define OS_LOG_DEFAULT (&_os_log_default)
#define os_log_with_type(log, type, format, ...)                                       \
	__extension__({                                                                \
		__attribute__((section("__TEXT,__os_log"))) static const char _text[] = \
			format;                                                        \
		_os_log_internal((void *)0, log, type, _text, ##__VA_ARGS__);           \
	})
#define os_log(log, format, ...)                                                       \
	os_log_with_type(log, OS_LOG_TYPE_DEFAULT, format, ##__VA_ARGS__)
#define os_log_info(log, format, ...)                                                  \
	os_log_with_type(log, OS_LOG_TYPE_INFO, format, ##__VA_ARGS__)
#define os_log_debug(log, format, ...)                                                 \
	os_log_with_type(log, OS_LOG_TYPE_DEBUG, format, ##__VA_ARGS__)
#define os_log_error(log, format, ...)                                                 \
	os_log_with_type(log, OS_LOG_TYPE_ERROR, format, ##__VA_ARGS__)
#define os_log_fault(log, format, ...)                                                 \
	os_log_with_type(log, OS_LOG_TYPE_FAULT, format, ##__VA_ARGS__)

#endif
