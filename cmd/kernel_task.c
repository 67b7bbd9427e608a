/* The userland kernel's program; everything is in lib/kernel. */
#include "kernel/machine/machine.h"

int main(int argc, char **argv)
{
	return kernel_main(argc, argv);
}
