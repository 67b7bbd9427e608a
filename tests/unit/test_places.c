/* Run and state folders: where they are, how they are made, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <errno.h>
#include <cmocka.h>
#include "client/places.h"

static char base[64], path[256];

static int make_base(void **state)
{
	(void)state;
	strcpy(base, "/tmp/places.XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/run", base);
	setenv("KEXT_RUNDIR", path, 1);
	unsetenv("KEXT_STATEDIR");
	return 0;
}

static int remove_base(void **state)
{
	char line[128];
	(void)state;
	snprintf(line, sizeof(line), "rm -rf '%s'", base);
	return system(line);
}

static mode_t mode_of(const char *name)
{
	struct stat st;
	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static int open_user(bool make, struct place *place)
{
	return place_open_run(KEXT_INSTANCE_USER, make, NULL, place);
}

static void test_absent_folder_is_not_made_by_readers(void **state)
{
	struct place place = {.fd = -1};
	(void)state;
	assert_int_equal(open_user(false, &place), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_mode_passes_any_umask(void **state)
{
	struct place place;
	mode_t saved = umask(0277);
	(void)state;
	assert_int_equal(open_user(true, &place), 0);
	umask(saved);
	assert_int_equal(mode_of(path), 0700);
	assert_string_equal(place.path, path);
	place_close(&place);
	assert_int_equal(place.fd, -1);
}

static void test_open_folder_is_refused(void **state)
{
	struct place place = {.fd = -1};
	struct kext_diagnostics *found = kext_diagnostics_new();
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(place_open_run(KEXT_INSTANCE_USER, true, found, &place),
			 KEXT_ERR_NOT_PRIVILEGED);
	assert_int_equal(kext_diagnostics_length(found), 1);
	assert_string_equal(kext_diagnostics_at(found, 0)->slug, "place.unsafe");
	assert_string_equal(kext_diagnostics_at(found, 0)->subject, path);
	kext_diagnostics_free(found);
}

static void test_symlink_is_refused(void **state)
{
	struct place place = {.fd = -1};
	char target[256];
	(void)state;
	snprintf(target, sizeof(target), "%s/elsewhere", base);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_true(open_user(true, &place) < 0);
}

static void test_a_file_is_refused(void **state)
{
	struct place place = {.fd = -1};
	(void)state;
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(open_user(true, &place), -ENOTDIR);
}

static void test_foreign_runtime_folder_is_not_ours(void **state)
{
	struct place place;
	char expected[64];
	(void)state;
	unsetenv("KEXT_RUNDIR");
	/* Nobody but root owns /proc; as root, a folder that is not there. */
	setenv("XDG_RUNTIME_DIR", geteuid() ? "/proc" : "/nonexistent", 1);
	snprintf(expected, sizeof(expected), "/tmp/kext-%u", (unsigned)geteuid());
	int error = open_user(true, &place);
	assert_int_equal(error, 0);
	assert_string_equal(place.path, expected);
	place_close(&place);
	rmdir(expected);
}

static void test_own_runtime_folder(void **state)
{
	struct place place;
	char expected[80];
	(void)state;
	unsetenv("KEXT_RUNDIR");
	setenv("XDG_RUNTIME_DIR", base, 1);
	snprintf(expected, sizeof(expected), "%s/kext", base);
	assert_int_equal(open_user(true, &place), 0);
	assert_string_equal(place.path, expected);
	place_close(&place);
}

static void test_state_folder_is_made_with_its_parents(void **state)
{
	struct place place;
	char expected[96];
	(void)state;
	setenv("HOME", base, 1);
	unsetenv("XDG_STATE_HOME");
	snprintf(expected, sizeof(expected), "%s/.local/state/kext", base);
	assert_int_equal(place_open_state(KEXT_INSTANCE_USER, true, NULL, &place), 0);
	assert_string_equal(place.path, expected);
	assert_int_equal(mode_of(expected), 0700);
	place_close(&place);
	setenv("XDG_STATE_HOME", base, 1);
	snprintf(expected, sizeof(expected), "%s/kext", base);
	assert_int_equal(place_open_state(KEXT_INSTANCE_USER, true, NULL, &place), 0);
	assert_string_equal(place.path, expected);
	place_close(&place);
}

/* A path of 300 bytes is far over the 108 of a socket address. */
static void test_socket_in_a_folder_with_a_long_path(void **state)
{
	struct place place;
	struct sockaddr_un address;
	char name[512], part[101];
	(void)state;
	memset(part, 'x', 100);
	part[100] = '\0';
	snprintf(name, sizeof(name), "%s/%s/%s/%s", base, part, part, part);
	setenv("KEXT_RUNDIR", name, 1);
	assert_int_equal(open_user(true, &place), 0);
	place_socket_address(&place, "s", &address);
	int server = socket(AF_UNIX, SOCK_STREAM, 0),
	    client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)),
			 0);
	strcat(name, "/s");
	assert_int_equal(access(name, F_OK), 0);
	close(client);
	close(server);
	place_close(&place);
}

static void test_instances(void **state)
{
	(void)state;
	assert_string_equal(place_instance_name(KEXT_INSTANCE_DEFAULT),
			    geteuid() == 0 ? "system" : "user");
	assert_int_equal(place_owner(KEXT_INSTANCE_SYSTEM), 0);
	assert_int_equal(place_owner(KEXT_INSTANCE_USER), geteuid());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_base, remove_base)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_absent_folder_is_not_made_by_readers),
		TEST(test_mode_passes_any_umask),
		TEST(test_open_folder_is_refused),
		TEST(test_symlink_is_refused),
		TEST(test_a_file_is_refused),
		TEST(test_foreign_runtime_folder_is_not_ours),
		TEST(test_own_runtime_folder),
		TEST(test_state_folder_is_made_with_its_parents),
		TEST(test_socket_in_a_folder_with_a_long_path),
		TEST(test_instances),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
