/* The sysctl tree: registering, handlers, requests, permissions, built-in names. */
#include "kernel_driver.h"
#include "kernel/bsd/sysctl.h"
#include "kernel/machine/machine.h"

#define KIND(type, flags) ((int)((type) | SYSCTL_OID2 | SYSCTL_RD | (flags)))

static int number = 5;
static long long quad = 6;
static char text[8] = "abc";
static uint8_t opaque[6] = {1, 2, 3, 4, 5, 6};

static struct sysctl_oid int_oid = {.oid_parent = &sysctl__debug_children,
				    .oid_number = SYSCTL_AUTO,
				    .oid_kind = KIND(SYSCTL_INT, SYSCTL_WR),
				    .oid_arg1 = &number,
				    .oid_name = "t_int",
				    .oid_handler = sysctl_handle_int,
				    .oid_fmt = "I",
				    .oid_version = 1};
static struct sysctl_oid quad_oid = {
	.oid_parent = &sysctl__debug_children,
	.oid_number = SYSCTL_AUTO,
	.oid_kind = KIND(SYSCTL_QUAD, SYSCTL_WR | SYSCTL_KERN | SYSCTL_ANYBODY),
	.oid_arg1 = &quad,
	.oid_name = "t_quad",
	.oid_handler = sysctl_handle_quad,
	.oid_fmt = "Q",
	.oid_version = 1};
static struct sysctl_oid text_oid = {.oid_parent = &sysctl__debug_children,
				     .oid_number = SYSCTL_AUTO,
				     .oid_kind =
					     KIND(SYSCTL_STRING, SYSCTL_WR | SYSCTL_KERN),
				     .oid_arg1 = text,
				     .oid_arg2 = sizeof(text),
				     .oid_name = "t_text",
				     .oid_handler = sysctl_handle_string,
				     .oid_fmt = "A",
				     .oid_version = 1};
static struct sysctl_oid opaque_oid = {.oid_parent = &sysctl__debug_children,
				       .oid_number = SYSCTL_AUTO,
				       .oid_kind = KIND(SYSCTL_OPAQUE, SYSCTL_WR),
				       .oid_arg1 = opaque,
				       .oid_arg2 = sizeof(opaque),
				       .oid_name = "t_opaque",
				       .oid_handler = sysctl_handle_opaque,
				       .oid_fmt = "S,six",
				       .oid_version = 1};

static struct sysctl_oid *const oids[] = {&int_oid, &quad_oid, &text_oid, &opaque_oid};

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		sysctl_register_oid(oids[i]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		sysctl_unregister_oid(oids[i]);
	return 0;
}

static struct sysctl_reply reply;

/* Runs a request; the old value stays in `reply`. */
static int request(const char *name, const void *value, size_t size, bool is_superuser)
{
	free(reply.data);
	sysctl_request(name, value, size, is_superuser, &reply);
	return reply.error;
}

static void integers(void **state)
{
	int seven = 7;
	long long eight = 8, wide = 1ll << 40;
	(void)state;
	assert_in_range(int_oid.oid_number, 101, 10000);
	assert_int_equal(request("debug.t_int", NULL, 0, false), 0);
	assert_int_equal(reply.size, 4);
	assert_int_equal(*(int *)reply.data, 5);
	assert_int_equal(reply.kind & 0xf, 2);
	assert_string_equal(reply.format, "I");
	assert_int_equal(request("debug.t_int", &seven, 4, true), 0);
	assert_int_equal(*(int *)reply.data, 5);
	assert_int_equal(number, 7);
	assert_int_equal(request("debug.t_int", &eight, 8, true), 0);
	assert_int_equal(number, 8);
	assert_int_equal(request("debug.t_int", &wide, 8, true), 34);
	assert_int_equal(request("debug.t_int", &seven, 3, true), 22);
	assert_int_equal(request("debug.t_int", &seven, 4, false), 1);
	assert_int_equal(number, 8);
	number = 5;
}

static void quads(void **state)
{
	int minus = -2;
	long long wide = 1ll << 40;
	(void)state;
	assert_int_equal(request("debug.t_quad", &wide, 8, false), 0);
	assert_int_equal(reply.size, 8);
	assert_true(quad == wide);
	assert_int_equal(request("debug.t_quad", &minus, 4, false), 0);
	assert_true(quad == -2);
	quad = 6;
}

/* A caller inside the kernel sees numbers in the width of its buffer. */
static void narrow_buffers(void **state)
{
	int narrow = 0;
	size_t size = sizeof(narrow);
	(void)state;
	assert_int_equal(kernel_sysctlbyname("debug.t_quad", &narrow, &size, NULL, 0), 0);
	assert_int_equal(size, 4);
	assert_int_equal(narrow, 6);
	quad = 1ll << 40;
	assert_int_equal(kernel_sysctlbyname("debug.t_quad", &narrow, &size, NULL, 0),
			 34);
	quad = 6;
}

static void strings(void **state)
{
	char small[2];
	size_t size = sizeof(small);
	(void)state;
	assert_int_equal(request("debug.t_text", NULL, 0, false), 0);
	assert_int_equal(reply.size, 4);
	assert_string_equal(reply.data, "abc");
	assert_int_equal(kernel_sysctlbyname("debug.t_text", small, &size, NULL, 0), 12);
	assert_int_equal(size, 4);
	assert_int_equal(request("debug.t_text", "12345678", 8, true), 22);
	assert_int_equal(request("debug.t_text", "1234567", 7, true), 0);
	assert_string_equal(text, "1234567");
	assert_int_equal(request("debug.t_text", "xyz", 3, true), 0);
	assert_string_equal(text, "xyz");
	text_oid.oid_arg2 = 0;
	assert_int_equal(request("debug.t_text", "xyz", 3, true), 1);
	text_oid.oid_arg2 = sizeof(text);
	assert_int_equal(request("debug.t_text", "abc", 3, true), 0);
}

static void opaques(void **state)
{
	(void)state;
	assert_int_equal(request("debug.t_opaque", "12345", 5, true), 22);
	assert_int_equal(request("debug.t_opaque", "123456", 6, true), 0);
	assert_int_equal(reply.size, 6);
	assert_memory_equal(reply.data, "\1\2\3\4\5\6", 6);
	assert_memory_equal(opaque, "123456", 6);
}

static void names_and_places(void **state)
{
	char components[64] = "debug";
	(void)state;
	assert_int_equal(request("debug.nobody", NULL, 0, true), 2);
	assert_int_equal(request("debug", NULL, 0, true), 2);
	assert_int_equal(request("", NULL, 0, true), 2);
	assert_int_equal(request("debug.t_int.below", NULL, 0, true), 2);
	assert_int_equal(request("debug.t_int.", NULL, 0, true), 0);
	for (int i = 0; i < 12; i++)
		strcat(components, ".a");
	assert_int_equal(request(components, NULL, 0, true), 2);
	char *long_name = calloc(1, 2000);
	memset(long_name, 'a', 1999);
	assert_int_equal(request(long_name, NULL, 0, true), 63);
	free(long_name);
}

/* Unregistered records are gone, and come back with the number they had. */
static void registering_again(void **state)
{
	int first = int_oid.oid_number;
	(void)state;
	sysctl_unregister_oid(&int_oid);
	assert_int_equal(request("debug.t_int", NULL, 0, true), 2);
	sysctl_register_oid(&int_oid);
	assert_int_equal(int_oid.oid_number, first);
	assert_int_equal(request("debug.t_int", NULL, 0, true), 0);
}

/* Records without OID2 end before oid_descr; the tree holds a copy. */
static void old_records(void **state)
{
	struct sysctl_oid old = int_oid;
	(void)state;
	old.oid_kind &= ~(int)SYSCTL_OID2;
	old.oid_number = SYSCTL_AUTO;
	old.oid_name = "t_old";
	memset(&old.oid_descr, 0xff,
	       sizeof(old) - offsetof(struct sysctl_oid, oid_descr));
	sysctl_register_oid(&old);
	assert_in_range(old.oid_number, 101, 10000);
	assert_int_equal(request("debug.t_old", NULL, 0, true), 0);
	sysctl_unregister_oid(&old);
	assert_int_equal(request("debug.t_old", NULL, 0, true), 2);
	old.oid_kind |= (int)SYSCTL_OID2; /* now with version -1: not known */
	sysctl_register_oid(&old);
	assert_int_equal(request("debug.t_old", NULL, 0, true), 2);
}

static void kernel_callers(void **state)
{
	char release[16];
	size_t size = 0;
	(void)state;
	assert_int_equal(kernel_sysctlbyname("debug.t_int", NULL, &size, NULL, 0), 1);
	assert_int_equal(kernel_sysctlbyname("hw.model", NULL, &size, NULL, 0), 1);
	assert_int_equal(kernel_sysctlbyname("kern.osrelease", NULL, &size, NULL, 0), 0);
	assert_int_equal(size, 7);
	size = sizeof(release);
	assert_int_equal(kernel_sysctlbyname("kern.osrelease", release, &size, NULL, 0),
			 0);
	assert_string_equal(release, "19.6.0");
	assert_int_equal(kernel_sysctlbyname("kern.nothing", NULL, &size, NULL, 0), 2);
}

/* Requests by number, as node 0 answers them. */
static int old_mover(struct sysctl_req *req, const void *from, size_t n)
{
	memcpy((char *)req->oldptr + req->oldidx, from, n);
	req->oldidx += n;
	return 0;
}

static int new_mover(struct sysctl_req *req, void *to, size_t n)
{
	memcpy(to, (const char *)req->newptr, n);
	return 0;
}

static int by_number(const int *name, unsigned length, const char *value, void *old,
		     size_t *ret_size)
{
	struct sysctl_req req = {.oldptr = (user_addr_t)old,
				 .oldlen = 256,
				 .oldfunc = old_mover,
				 .newptr = (user_addr_t)value,
				 .newlen = value ? strlen(value) : 0,
				 .newfunc = new_mover};
	int error = sysctl_dispatch(name, length, &req, false, false, NULL);
	*ret_size = req.oldidx;
	return error;
}

static void magic_node(void **state)
{
	int found[64];
	char name[256];
	size_t size;
	(void)state;
	assert_int_equal(by_number((int[]){0, 3}, 2, "kern.osrelease", found, &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(found[0], 1);
	assert_int_equal(found[1], 2);
	assert_int_equal(by_number((int[]){0, 3}, 2, "kern.bogus", found, &size), 2);
	assert_int_equal(by_number((int[]){0, 3}, 2, NULL, found, &size), 2);
	assert_int_equal(by_number((int[]){0, 1, 1, 2}, 4, NULL, name, &size), 0);
	assert_string_equal(name, "kern.osrelease");
	assert_int_equal(by_number((int[]){0, 1, 1, 9999, 3}, 5, NULL, name, &size), 0);
	assert_string_equal(name, "kern.9999.3");
	assert_int_equal(by_number((int[]){0, 2, 1, 1}, 4, NULL, found, &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(found[1], 2);
	assert_int_equal(by_number((int[]){0, 2, 9999}, 3, NULL, found, &size), 2);
	assert_int_equal(by_number((int[]){0, 4, 1, 2}, 4, NULL, name, &size), 0);
	assert_int_equal((uint32_t)load32((uint8_t *)name, false) & 0xf, 3);
	assert_string_equal(name + 4, "A");
	assert_int_equal(by_number((int[]){0, 4, 1, 2, 3}, 5, NULL, name, &size), 21);
	assert_int_equal(by_number((int[]){1, 2, 3}, 3, NULL, name, &size), 21);
}

static bool is_listed(const char *wanted)
{
	size_t size, at;
	bool found = false;
	char *names = sysctl_names(&size);
	assert_non_null(names);
	for (at = 0; at < size; at += strlen(names + at) + 1)
		found |= strcmp(names + at, wanted) == 0;
	free(names);
	return found;
}

static void listing(void **state)
{
	(void)state;
	assert_true(is_listed("debug.t_int"));
	assert_true(is_listed("kern.ostype"));
	assert_true(is_listed("machdep.cpu.brand_string"));
	assert_false(is_listed("debug"));
	assert_false(is_listed("sysctl.name"));
}

static int argument_count, first_argument;

static int node_handler(struct sysctl_oid *oid, void *arg1, int arg2,
			struct sysctl_req *req)
{
	(void)oid;
	argument_count = arg2;
	first_argument = *(int *)arg1;
	return req->oldfunc(req, "", 1);
}

/* A node with a handler gets the rest of the name. */
static void node_with_handler(void **state)
{
	struct sysctl_oid node = {.oid_parent = &sysctl__debug_children,
				  .oid_number = 77,
				  .oid_kind = KIND(SYSCTL_NODE, 0),
				  .oid_name = "t_node",
				  .oid_handler = node_handler,
				  .oid_fmt = "N",
				  .oid_version = 1};
	char old[8];
	size_t size;
	(void)state;
	sysctl_register_oid(&node);
	assert_int_equal(by_number((int[]){5, 77, 42, 43}, 4, NULL, old, &size), 0);
	assert_int_equal(argument_count, 2);
	assert_int_equal(first_argument, 42);
	sysctl_unregister_oid(&node);
}

static unsigned tries;

static int again_handler(struct sysctl_oid *oid, void *arg1, int arg2,
			 struct sysctl_req *req)
{
	(void)oid;
	(void)arg1;
	(void)arg2;
	int error = req->oldfunc(req, "once", 4);
	return ++tries < 3 ? XNU_EAGAIN : error;
}

static int large_handler(struct sysctl_oid *oid, void *arg1, int arg2,
			 struct sysctl_req *req)
{
	static char large[200000];
	(void)oid;
	(void)arg1;
	(void)arg2;
	memset(large, 'x', sizeof(large));
	return req->oldfunc(req, large, sizeof(large));
}

static void handlers_of_all_sorts(void **state)
{
	struct sysctl_oid again = int_oid, large = int_oid;
	(void)state;
	again.oid_number = large.oid_number = SYSCTL_AUTO;
	again.oid_name = "t_again";
	again.oid_handler = again_handler;
	large.oid_name = "t_large";
	large.oid_handler = large_handler;
	sysctl_register_oid(&again);
	sysctl_register_oid(&large);
	assert_int_equal(request("debug.t_again", NULL, 0, true), 0);
	assert_int_equal(tries, 3);
	assert_int_equal(reply.size, 4);
	assert_int_equal(request("debug.t_large", NULL, 0, true), 0);
	assert_int_equal(reply.size, 200000);
	sysctl_unregister_oid(&again);
	sysctl_unregister_oid(&large);
}

/* What lies in an unloaded image leaves the tree. */
static void leaks_are_unlinked(void **state)
{
	static struct {
		struct sysctl_oid oid;
		struct sysctl_oid_list list;
		char name[8];
	} gone;
	(void)state;
	gone.oid = int_oid;
	gone.oid.oid_number = SYSCTL_AUTO;
	strcpy(gone.name, "t_gone");
	gone.oid.oid_name = gone.name;
	sysctl_register_oid(&gone.oid);
	assert_int_equal(request("debug.t_gone", NULL, 0, true), 0);
	sysctl_kmod_unloaded("test.gone", &gone, &gone + 1);
	assert_int_equal(request("debug.t_gone", NULL, 0, true), 2);
	char log[4096];
	uint64_t position = 0;
	size_t size = msgbuf_read(&position, log, sizeof(log) - 1);
	log[size] = 0;
	assert_non_null(strstr(log, "test.gone left the sysctl t_gone registered"));
}

static _Atomic int stage;

static int slow_handler(struct sysctl_oid *oid, void *arg1, int arg2,
			struct sysctl_req *req)
{
	(void)oid;
	(void)arg1;
	(void)arg2;
	(void)req;
	stage = 1;
	usleep(50000);
	stage = 2;
	return 0;
}

static void *ask_slowly(void *argument)
{
	struct sysctl_reply answer;
	sysctl_request("debug.t_slow", NULL, 0, true, &answer);
	free(answer.data);
	return argument;
}

static void unregistering_waits_for_handlers(void **state)
{
	struct sysctl_oid slow = int_oid;
	pthread_t thread;
	(void)state;
	slow.oid_number = SYSCTL_AUTO;
	slow.oid_name = "t_slow";
	slow.oid_handler = slow_handler;
	sysctl_register_oid(&slow);
	pthread_create(&thread, NULL, ask_slowly, NULL);
	while (stage < 1)
		usleep(1000);
	sysctl_unregister_oid(&slow);
	assert_int_equal(stage, 2);
	pthread_join(thread, NULL);
}

/* Two records with one explicit number are a bug that ends the kernel. */
static void taken_slots_panic(void **state)
{
	struct sysctl_oid twin = int_oid;
	int status;
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		close(2);
		trap_startup(); /* the report probes the stack */
		sysctl_register_oid(&twin);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 70);
}

static void through_the_protocol(void **state)
{
	struct kernel kernel;
	(void)state;
	boot(&kernel, (const char *[]){"--boot-args", "-v x=1", NULL});
	assert_int_equal(ask_sysctl(&kernel, "kern.bootargs", NULL, 0, false), 0);
	assert_string_equal(fields_bytes(answer(&kernel), FIELD_DATA).data, "-v x=1");
	assert_string_equal(fields_text(answer(&kernel), FIELD_FORMAT), "A");
	assert_int_equal(fields_u32(answer(&kernel), FIELD_KIND) & 0xf, 3);
	int on = 1;
	assert_int_equal(ask_sysctl(&kernel, "debug.hide_kernel_pointers", &on, 4, false),
			 1);
	assert_int_equal(ask_sysctl(&kernel, "debug.hide_kernel_pointers", &on, 4, true),
			 0);
	assert_int_equal(ask_sysctl(&kernel, "debug.hide_kernel_pointers", NULL, 0, true),
			 0);
	assert_int_equal(load32(fields_bytes(answer(&kernel), FIELD_DATA).data, false),
			 1);
	assert_int_equal(ask_sysctl(&kernel, "no.such", NULL, 0, true), 2);
	struct buffer body = {0};
	assert_int_equal(ask(&kernel, KERNEL_SYSCTL_NAMES, &body, -1), 0);
	assert_string_equal(fields_bytes(answer(&kernel), FIELD_DATA).data,
			    "kern.ostype");
	assert_int_equal(shut_down(&kernel), 0);
}

static int start_kernel_parts(void **state)
{
	(void)state;
	machine_thread_setup();
	bootargs_set("");
	clock_startup();
	thread_startup();
	kheap_startup();
	proc_startup();
	sysctl_startup();
	return 0;
}

static int end_kernel_parts(void **state)
{
	(void)state;
	free(reply.data);
	machine_thread_teardown();
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(integers),
		TEST(quads),
		TEST(narrow_buffers),
		TEST(strings),
		TEST(opaques),
		TEST(names_and_places),
		TEST(registering_again),
		TEST(old_records),
		TEST(kernel_callers),
		TEST(magic_node),
		TEST(listing),
		TEST(node_with_handler),
		TEST(handlers_of_all_sorts),
		TEST(leaks_are_unlinked),
		TEST(unregistering_waits_for_handlers),
		TEST(taken_slots_panic),
		TEST(through_the_protocol),
	};
	return cmocka_run_group_tests(tests, start_kernel_parts, end_kernel_parts);
}
