/* Kexts whose start routine ends the kernel, and what the report has to say of it. */
#ifndef KERNEL_PANICS_H
#define KERNEL_PANICS_H

#include "kernel_driver.h"

static struct kernel kernel;
static struct image image;

static UNUSED void begin(const char *identifier)
{
	boot(&kernel, NULL);
	new_image(&kernel, &image, identifier);
}

/* Maps and starts the image; the start routine must panic. */
static UNUSED void start_and_panic(void)
{
	struct buffer body = {0};
	assert_int_equal(map_image(&kernel, &image), 0);
	fields_put_u32(&body, FIELD_TAG, image.tag);
	uint64_t id = send_request(&kernel, KERNEL_START, &body, -1);
	assert_false(receive(&kernel, KERNEL_START, id));
	assert_int_equal(await_end(&kernel), 70);
}

static UNUSED void assert_reported(const char *text)
{
	if (!strstr(kernel.report, text))
		fail_msg("no \"%s\" in the report:\n%s", text, kernel.report);
}

/* A line of the fixed form for an offset of the image. */
static UNUSED void assert_place(unsigned offset)
{
	char text[128];
	snprintf(text, sizeof(text), "0x%016llx : %s + 0x%x\n",
		 (unsigned long long)(image.address + offset), image.identifier, offset);
	assert_reported(text);
}

#endif
