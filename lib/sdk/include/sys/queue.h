/* Singly linked lists, as far as the kernel's records need them. */
#ifndef _SDK_SYS_QUEUE_H_
#define _SDK_SYS_QUEUE_H_

#define SLIST_HEAD(name, type)                                                         \
	struct name {                                                                  \
		struct type *slh_first;                                                \
	}
#define SLIST_HEAD_INITIALIZER(head) {0}
#define SLIST_ENTRY(type)                                                              \
	struct {                                                                       \
		struct type *sle_next;                                                 \
	}
#define SLIST_FIRST(head)      ((head)->slh_first)
#define SLIST_NEXT(item, link) ((item)->link.sle_next)
#define SLIST_EMPTY(head)      ((head)->slh_first == 0)
#define SLIST_INIT(head)       ((head)->slh_first = 0)
#define SLIST_FOREACH(item, head, link)                                                \
	for ((item) = SLIST_FIRST(head); (item); (item) = SLIST_NEXT(item, link))
#define SLIST_INSERT_HEAD(head, item, link)                                            \
	do {                                                                           \
		SLIST_NEXT(item, link) = SLIST_FIRST(head);                            \
		SLIST_FIRST(head) = (item);                                            \
	} while (0)
#define SLIST_REMOVE_HEAD(head, link)                                                  \
	(SLIST_FIRST(head) = SLIST_NEXT(SLIST_FIRST(head), link))

#endif
