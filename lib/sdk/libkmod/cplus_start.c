/*
 * libkmodc++: on x86_64 the kernel itself runs a kext's constructors, so this member only
 * has to exist for the linker's -lkmodc++.
 */
typedef int cplus_start_is_empty;
