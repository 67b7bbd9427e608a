/* What kexts note on packets: tags, told apart by their owner's number and a type. */
#include "kernel/bsd/mbuf.h"

int mbuf_tag_id_find(const char *name, uint32_t *ret_id);
int mbuf_tag_allocate(struct mbuf *m, uint32_t id, uint16_t type, size_t size,
		      uint32_t how, void **ret_data);
int mbuf_tag_find(struct mbuf *m, uint32_t id, uint16_t type, size_t *ret_size,
		  void **ret_data);
void mbuf_tag_free(struct mbuf *m, uint32_t id, uint16_t type);

static struct mbuf_tag **find_link(struct mbuf *m, uint32_t id, uint16_t type)
{
	struct mbuf_tag **link = &m->header.tags;

	while (*link && ((*link)->id != id || (*link)->type != type))
		link = &(*link)->next;
	return link;
}

static void drop_first(struct heap_call call, struct mbuf_tag **link)
{
	struct mbuf_tag *tag = *link;

	*link = tag->next;
	kheap_free(call, HEAP_MBUF, tag, sizeof(*tag) + tag->size);
}

void mbuf_drop_tags(struct heap_call call, struct mbuf *m)
{
	while (m->header.tags)
		drop_first(call, &m->header.tags);
}

int mbuf_tag_id_find(const char *name, uint32_t *ret_id)
{
	return net_string_id(name, ret_id);
}
KPI(mbuf_tag_id_find);

static bool is_valid(const struct mbuf *m, uint32_t id)
{
	return m && m->flags & MBUF_PKTHDR && net_string_is_known(id);
}

int mbuf_tag_allocate(struct mbuf *m, uint32_t id, uint16_t type, size_t size,
		      uint32_t how, void **ret_data)
{
	struct mbuf_tag **link, *tag;

	if (!ret_data)
		return XNU_EINVAL;
	*ret_data = NULL;
	if (!is_valid(m, id) || size > UINT16_MAX)
		return XNU_EINVAL;
	link = find_link(m, id, type);
	if (*link)
		return XNU_EEXIST;
	tag = kheap_alloc(MBUF_CALL(how), HEAP_MBUF, sizeof(*tag) + size, 0, true);
	if (!tag)
		return XNU_ENOMEM;
	tag->id = id;
	tag->type = type;
	tag->size = size;
	*link = tag;
	*ret_data = tag->data;
	return 0;
}
KPI(mbuf_tag_allocate);

int mbuf_tag_find(struct mbuf *m, uint32_t id, uint16_t type, size_t *ret_size,
		  void **ret_data)
{
	struct mbuf_tag *tag;

	if (!ret_size || !ret_data)
		return XNU_EINVAL;
	*ret_size = 0;
	*ret_data = NULL;
	if (!is_valid(m, id))
		return XNU_EINVAL;
	tag = *find_link(m, id, type);
	if (!tag)
		return XNU_ENOENT;
	*ret_size = tag->size;
	*ret_data = tag->data;
	return 0;
}
KPI(mbuf_tag_find);

void mbuf_tag_free(struct mbuf *m, uint32_t id, uint16_t type)
{
	struct mbuf_tag **link;

	if (!is_valid(m, id))
		return;
	link = find_link(m, id, type);
	if (*link)
		drop_first(MBUF_FREE_CALL, link);
}
KPI(mbuf_tag_free);
