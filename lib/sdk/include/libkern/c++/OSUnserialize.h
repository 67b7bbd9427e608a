/* Objects out of text or the kernel's binary form. */
#ifndef _LIBKERN_OSUNSERIALIZE_H
#define _LIBKERN_OSUNSERIALIZE_H

#include <libkern/c++/OSObject.h>

/*
 * The object with a reference for the caller, or NULL. Of errors `ret_error`, if it is
 * not NULL, becomes a string with a reference for the caller.
 */
extern OSObject *OSUnserializeXML(const char *text, OSString **ret_error = NULL);
extern OSObject *OSUnserializeXML(const char *bytes, size_t size,
				  OSString **ret_error = NULL);
/* The form with braces that came before XML. */
extern OSObject *OSUnserialize(const char *text, OSString **ret_error = NULL);

#endif
