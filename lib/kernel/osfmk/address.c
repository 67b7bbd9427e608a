/*
 * What kexts may show of kernel addresses: those of images as they are, for they do not
 * slide, and any other moved by a secret that is made once a boot.
 */
#include <pthread.h>
#include "kernel/kernel.h"
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

static uint64_t secret;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
	random_buf(&secret, sizeof(secret));
	secret |= 1; /* not 0 */
}

static bool is_in_image(uint64_t address)
{
	return address >= KERNEL_BASE && address < KERNEL_KEXTS + KERNEL_KEXTS_SIZE;
}

void vm_kernel_unslide_or_perm_external(uint64_t address, uint64_t *ret_shown);
void vm_kernel_unslide_or_perm_external(uint64_t address, uint64_t *ret_shown)
{
	pthread_once(&once, make_secret);
	*ret_shown = !address || is_in_image(address) ? address : address + secret;
}
KPI(vm_kernel_unslide_or_perm_external);
