/* The counterpart of cplus_start.c: the kernel runs the destructors. */
typedef int cplus_stop_is_empty;
