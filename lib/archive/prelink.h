/*
 * Prelinked kernels and kernel collections: the names and numbers of their layout, shared
 * by what reads and what writes them. Root dictionary of section __PRELINK_INFO,__info:
 * PRELINK_KEY_INFOS, an array with each kext's Info.plist to which the keys of a kext are
 * added.
 */
#ifndef ARCHIVE_PRELINK_H
#define ARCHIVE_PRELINK_H

#include <stdint.h>

/* Segments and sections. __PRELINK is that of Mac OS X 10.4 and 10.5. */
#define PRELINK_SEGMENT_TEXT	  "__PRELINK_TEXT"  /* section __text: the kexts */
#define PRELINK_SEGMENT_STATE	  "__PRELINK_STATE" /* to 10.7: __kernel, __kexts */
#define PRELINK_SEGMENT_INFO	  "__PRELINK_INFO"  /* section __info: XML and a NUL */
#define PRELINK_SEGMENT_DATA	  "__PRELINK_DATA"  /* from here: split kexts, arm64 */
#define PRELINK_SEGMENT_TEXT_EXEC "__PLK_TEXT_EXEC"
#define PRELINK_SEGMENT_CONST	  "__PLK_DATA_CONST"
#define PRELINK_SEGMENT_LINKEDIT  "__PLK_LINKEDIT"
#define PRELINK_SEGMENT_EARLY	  "__PRELINK"
#define PRELINK_SECTION_TEXT	  "__text"
#define PRELINK_SECTION_INFO	  "__info"
#define PRELINK_SECTION_KERNEL	  "__kernel"
#define PRELINK_SECTION_KEXTS	  "__kexts"

/* Keys of the root dictionary. */
#define PRELINK_KEY_INFOS	  "_PrelinkInfoDictionary" /* array of dictionaries */
#define PRELINK_KEY_PERSONALITIES "_PrelinkPersonalities"  /* array */
#define PRELINK_KEY_ID		  "_PrelinkKCID"	   /* data, 16 bytes */
#define PRELINK_KEY_BOOT_ID	  "_BootKCID"	  /* the boot collection wanted */
#define PRELINK_KEY_PAGEABLE_ID	  "_PageableKCID" /* the system collection wanted */
#define PRELINK_KEY_SLIDES	  "_PrelinkLinkKASLROffsets"

/* Keys of a kext. Addresses and sizes are integers of 64 bits. */
#define PRELINK_KEY_BUNDLE_PATH	    "_PrelinkBundlePath" /* without the volume's root */
#define PRELINK_KEY_EXECUTABLE_PATH "_PrelinkExecutableRelativePath"
#define PRELINK_KEY_LOAD	    "_PrelinkExecutableLoadAddr"   /* linked for */
#define PRELINK_KEY_SOURCE	    "_PrelinkExecutableSourceAddr" /* where it lies */
#define PRELINK_KEY_SIZE	    "_PrelinkExecutableSize"
#define PRELINK_KEY_KMOD_INFO	    "_PrelinkKmodInfo"	    /* address of kmod_info */
#define PRELINK_KEY_INTERFACE_UUID  "_PrelinkInterfaceUUID" /* data, 16 bytes */
#define PRELINK_KEY_LINK_STATE	    "_PrelinkLinkState"	    /* to 10.7 */
#define PRELINK_KEY_LINK_STATE_SIZE "_PrelinkLinkStateSize"
/* Mac OS X 10.4 and 10.5, root is the array itself: where its kmod_info is and what it
 * depends on (data); symbols of a pseudo-kext; not in the file, to be loaded later. */
#define PRELINK_KEY_TIGER	  "OSBundlePrelink"
#define PRELINK_KEY_TIGER_SYMBOLS "OSBundlePrelinkSymbols"
#define PRELINK_KEY_TIGER_DEFER	  "OSBundleDefer"
/* Early iOS: load and source address in one; root is the array itself. */
#define PRELINK_KEY_EARLY_ADDRESS "_PrelinkExecutable"

/* What a collection gives as the addresses of a kext without code. */
#define PRELINK_NOWHERE UINT64_C(0x7fffffffffffffff)

/* The member of a boot collection that is no kext. */
#define COLLECTION_KERNEL "com.apple.kernel"
/* Flag of the images in a collection: MH_DYLIB_IN_CACHE. */
#define COLLECTION_MEMBER_FLAG 0x80000000u
/* LC_FILESET_ENTRY without its string: cmd, cmdsize, u64 vmaddr, u64 fileoff,
 * u32 offset of the string, u32 0. */
#define COLLECTION_ENTRY_SIZE 32u
/* Lowest address of every boot collection for x86_64, where its segment __HIB lies. */
#define COLLECTION_X86_64_BASE UINT64_C(0xffffff8000100000)

#endif
