/* C++'s own operators, and the calls that DriverKit's kexts make of any class. */
#include "kpi.h"

#define NAME(declaration, symbol) extern declaration __asm(symbol)

struct rpc {
	void *message, *reply;
	uint32_t send_size, reply_size;
};

NAME(void *new_one(size_t size), "__Znwm");
NAME(void *new_array(size_t size), "__Znam");
NAME(void delete_one(void *object), "__ZdlPv");
NAME(void delete_array(void *object), "__ZdaPv");
NAME(void *metaclass_new(size_t size), "__ZN11OSMetaClassnwEm");
NAME(void metaclass_delete(void *object, size_t size), "__ZN11OSMetaClassdlEPvm");
NAME(const char object_meta[], "__ZN8OSObject10gMetaClassE");
NAME(void *of_text(const char *text), "__ZN8OSString11withCStringEPKc");
NAME(void release(const void *object), "__ZNK8OSObject7releaseEv");
NAME(uint32_t root_dispatch(void *, struct rpc), "__ZN15OSMetaClassBase8DispatchE5IORPC");
NAME(uint32_t invoke(void *, struct rpc), "__ZN15OSMetaClassBase6InvokeE5IORPC");
NAME(uint32_t dispatch(void *, struct rpc), "__ZN8OSObject8DispatchE5IORPC");
NAME(uint32_t static_dispatch(void *, struct rpc), "__ZN8OSObject9_DispatchEPS_5IORPC");
NAME(uint32_t meta_dispatch(const void *, struct rpc),
     "__ZN8OSObject9MetaClass8DispatchE5IORPC");

NAME(uint32_t set_queue(struct rpc, void *, void *),
     "__ZN8OSObject23SetDispatchQueue_InvokeE5IORPCP15OSMetaClassBasePFiS2_PKcP"
     "15IODispatchQueueE");
NAME(uint32_t copy_queue(struct rpc, void *, void *),
     "__ZN8OSObject24CopyDispatchQueue_InvokeE5IORPCP15OSMetaClassBasePFiS2_PKcPP"
     "15IODispatchQueueE");

static void check_memory(void)
{
	char *one = new_one(24), *many = new_array(0);

	CHECK("new_is_zeroed", one && all_bytes(one, 0, 24));
	CHECK("new_of_nothing", new_one(0) == NULL);
	CHECK("new_of_an_empty_array", many != NULL);
	delete_one(one);
	delete_one(NULL);
	delete_array(many);
	delete_array(NULL);
	CHECK("no_metaclass_is_allocated", metaclass_new(40) == NULL);
	metaclass_delete(NULL, 40);
}

static void check_dispatch(void)
{
	const uint32_t unsupported = 0xe00002c7;
	struct rpc rpc = {NULL, NULL, 0, 0};
	void *object = of_text("x");

	CHECK("dispatch_of_the_root", root_dispatch(object, rpc) == unsupported);
	CHECK("dispatch", dispatch(object, rpc) == unsupported &&
				  static_dispatch(object, rpc) == unsupported);
	CHECK("dispatch_of_a_metaclass", meta_dispatch(object_meta, rpc) == unsupported);
	CHECK("invoke", invoke(object, rpc) == unsupported);
	CHECK("no_queues", set_queue(rpc, object, NULL) == unsupported &&
				   copy_queue(rpc, object, NULL) == unsupported);
	release(object);
}

void check(void)
{
	check_memory();
	check_dispatch();
}
