/* Order in which waiters are woken. */
#ifndef _SDK_MACH_SYNC_POLICY_H_
#define _SDK_MACH_SYNC_POLICY_H_

#define SYNC_POLICY_FIFO	  0
#define SYNC_POLICY_FIXED_PRIORITY 1

#endif
