/* What a kext asks about itself and others; tests/cli/upcalls.sh has the answers. */
#include "kpi.h"
#include <libkern/OSKextLib.h>

static void answer(OSKextRequestTag tag, OSReturn result, const void *data, uint32_t size,
		   void *context)
{
}

static void check_retains(void)
{
	OSKextLoadTag own = OSKextGetCurrentLoadTag();

	CHECK("retain-invalid", OSKextRetainKextWithLoadTag(kOSKextInvalidLoadTag) ==
					kOSKextReturnInvalidArgument);
	CHECK("retain-nobody",
	      OSKextRetainKextWithLoadTag(9999) == kOSKextReturnNotFound);
	CHECK("release-nobody",
	      OSKextReleaseKextWithLoadTag(9999) == kOSKextReturnNotFound);
	CHECK("retain-own", OSKextRetainKextWithLoadTag(own) == kOSReturnSuccess);
	CHECK("release-own", OSKextReleaseKextWithLoadTag(own) == kOSReturnSuccess);
}

static void check_requests(void)
{
	OSKextRequestTag tag = 0;
	int context;
	void *same = NULL;

	CHECK("request-nothing",
	      OSKextRequestResource(OSKextGetCurrentIdentifier(), NULL, answer, &context,
				    &tag) == kOSKextReturnInvalidArgument &&
		      tag == kOSKextRequestTagInvalid);
	CHECK("request-without-callback",
	      OSKextRequestResource("x", "y", NULL, &context, &tag) ==
		      kOSKextReturnInvalidArgument);
	CHECK("request-with-a-foreign-callback",
	      OSKextRequestResource("x", "y", (OSKextRequestResourceCallback)printf,
				    &context, &tag) == kOSKextReturnInvalidArgument);
	CHECK("cancel-nothing",
	      OSKextCancelRequest(12345, &same) == kOSKextReturnNotFound && !same);
}

static void check_loads(void)
{
	CHECK("load-itself",
	      OSKextLoadKextWithIdentifier("com.apple.kpi.libkern") == kOSReturnSuccess);
	CHECK("load-nothing",
	      OSKextLoadKextWithIdentifier("") == kOSKextReturnInvalidArgument);
}

void check(void)
{
	check_retains();
	check_requests();
	check_loads();
}
