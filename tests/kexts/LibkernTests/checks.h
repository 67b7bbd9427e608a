/* Named checks: each prints one line to the kernel's log, which the test script counts. */
#ifndef CHECKS_H
#define CHECKS_H

#include <libkern/c++/OSContainers.h>
#include <libkern/libkern.h>

/* The class that most checks make instances of. */
class Thing : public OSObject
{
	OSDeclareDefaultStructors(Thing)

public:
	int number;
	void *pointer;
	static int frees;
	void free() APPLE_KEXT_OVERRIDE;
	/* The protected form of release. */
	void drop(int when) { release(when); }
	static Thing *make();
};

class SubThing : public Thing
{
	OSDeclareDefaultStructors(SubThing)

public:
	int more;
};

/* An object that keeps its memory when its count says free. */
class Immortal : public OSObject
{
	OSDeclareDefaultStructors(Immortal)

public:
	int frees;
	void free() APPLE_KEXT_OVERRIDE;
	void drop(int when) { release(when); }
	void end() { OSObject::free(); }
};

void check_line(const char *name, bool is_good, const char *file, int line);
#define CHECK(name, condition) check_line(name, (condition), __FILE__, __LINE__)

/* Both end with a NUL. */
static inline bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

void check_counting();
void check_classes();
void check_values();
void check_containers();
void check_text();
void check_binary();
void check_creation();
void check_collections();
void check_metaclasses();

#endif
