/*
 * LZSS compression whose output equals Darwin's encoder byte for byte. Which of several
 * equally long matches is taken depends on the shape of unbalanced binary trees, one for
 * each first byte, that hold the strings of the ring: the match nearest to the root wins.
 * So the trees are kept exactly as that encoder keeps them; only their walk is made fast:
 * a node keeps the eight bytes behind its first as one number, and comparing two numbers
 * answers both which way to go and how much is equal. The strings of nodes never change
 * while they are in a tree: a ring byte is overwritten only after the node that starts at
 * it is gone and before any node whose string reaches it comes in.
 */
#include <errno.h>
#include "base/memory.h"
#include "codec/lzss.h"

#define RING_SIZE 4096u
#define MATCH_MAX 18u
#define MATCH_MIN 3u
#define START	  (RING_SIZE - MATCH_MAX)
#define NIL	  RING_SIZE
#define KEY_SIZE  8u

struct node {
	uint64_t key;		   /* bytes 1 to 8 of the string, the first one on top */
	uint16_t child[2], parent; /* child: left, right */
};

struct encoder {
	struct node nodes[RING_SIZE + 1 + 256]; /* ring, NIL, the roots' owners */
	/* The ring; its first 17 bytes again, so that strings need no wrap; room for
	 * loads. */
	uint8_t text[RING_SIZE + MATCH_MAX - 1 + KEY_SIZE];
	unsigned best_position, best_length;
	uint8_t *output;
	size_t used, room;
	uint8_t group[1 + 8 * 2]; /* flags and items that are not written yet */
	unsigned group_size;
	unsigned flag; /* of the next item; 0x100: the group is full */
};

static void start(struct encoder *e)
{
	memset(e->text, ' ', START);
	for (unsigned i = 0; i < RING_SIZE; i++)
		e->nodes[i].parent = NIL;
	for (unsigned i = RING_SIZE + 1; i < RING_SIZE + 1 + 256; i++)
		e->nodes[i].child[1] = NIL;
	e->group_size = 1;
	e->flag = 1;
}

/* The node that has all 18 bytes of `r` leaves; `r` takes its place. */
static void replace(struct node *nodes, unsigned p, unsigned r)
{
	struct node *old = &nodes[p];
	nodes[r].child[0] = old->child[0];
	nodes[r].child[1] = old->child[1];
	nodes[r].parent = old->parent;
	nodes[old->child[0]].parent = (uint16_t)r;
	nodes[old->child[1]].parent = (uint16_t)r;
	struct node *above = &nodes[old->parent];
	above->child[above->child[1] == p] = (uint16_t)r;
	old->parent = NIL;
}

static void add_leaf(struct node *nodes, unsigned above, bool is_after, unsigned r)
{
	nodes[r].child[0] = nodes[r].child[1] = NIL;
	nodes[r].parent = (uint16_t)above;
	nodes[above].child[is_after] = (uint16_t)r;
}

/*
 * Equal bytes of two strings whose first nine are equal, and through *ret_is_after
 * whether the first string sorts behind the second.
 */
static unsigned compare_tails(const uint8_t *a, const uint8_t *b, bool *ret_is_after)
{
	uint64_t x = load64(a + 1 + KEY_SIZE, true), y = load64(b + 1 + KEY_SIZE, true);
	if (x != y) {
		*ret_is_after = x > y;
		return 1 + KEY_SIZE + (unsigned)__builtin_clzll(x ^ y) / 8;
	}
	*ret_is_after = a[17] > b[17];
	return a[17] == b[17] ? MATCH_MAX : MATCH_MAX - 1;
}

/*
 * Adds the string at `r` and, when it is wanted, finds the longest match that the walk to
 * its place meets; of equal ones the first. Which way a walk turns cannot be predicted,
 * so there are no branches on it: both the turn and the better match are chosen by masks.
 */
static inline __attribute__((always_inline)) void insert(struct encoder *e, unsigned r,
							 bool is_wanted)
{
	struct node *nodes = e->nodes;
	const uint8_t *text = e->text + r;
	uint64_t key = load64(text + 1, true);
	unsigned above = RING_SIZE + 1 + text[0], p = nodes[above].child[1];
	unsigned length = 0, steps_left = RING_SIZE;
	uint64_t best = 0; /* length, steps left when met, node */
	bool is_after = true;
	while (p != NIL) {
		uint64_t other = nodes[p].key;
		unsigned left = nodes[p].child[0], right = nodes[p].child[1];
		is_after = key > other;
		if (__builtin_expect(key == other, 0))
			length = compare_tails(text, e->text + p, &is_after);
		else if (is_wanted)
			length = 1 + (unsigned)__builtin_clzll(key ^ other) / 8;
		if (is_wanted) {
			uint64_t met = (uint64_t)length << 32 | steps_left-- << 16 | p;
			best ^= (best ^ met) & -(uint64_t)(met > best);
		}
		if (length == MATCH_MAX)
			break;
		above = p;
		p = left ^ ((left ^ right) & -(unsigned)is_after);
	}
	e->best_length = (unsigned)(best >> 32);
	e->best_position = best & 0xffff;
	nodes[r].key = key;
	if (p != NIL)
		replace(nodes, p, r);
	else
		add_leaf(nodes, above, is_after, r);
}

/* The in-order predecessor of `p`, unhooked and with p's children as its own. */
static unsigned raise_predecessor(struct encoder *e, unsigned p)
{
	struct node *nodes = e->nodes;
	unsigned q = nodes[p].child[0];
	if (nodes[q].child[1] != NIL) {
		do
			q = nodes[q].child[1];
		while (nodes[q].child[1] != NIL);
		nodes[nodes[q].parent].child[1] = nodes[q].child[0];
		nodes[nodes[q].child[0]].parent = nodes[q].parent;
		nodes[q].child[0] = nodes[p].child[0];
		nodes[nodes[p].child[0]].parent = (uint16_t)q;
	}
	nodes[q].child[1] = nodes[p].child[1];
	nodes[nodes[p].child[1]].parent = (uint16_t)q;
	return q;
}

static void take_out(struct encoder *e, unsigned p)
{
	struct node *nodes = e->nodes;
	unsigned q, above = nodes[p].parent;
	if (above == NIL)
		return;
	unsigned left = nodes[p].child[0], right = nodes[p].child[1];
	if (left != NIL && right != NIL)
		q = raise_predecessor(e, p);
	else
		q = left + right - NIL;
	nodes[q].parent = (uint16_t)above;
	nodes[above].child[nodes[above].child[1] == p] = (uint16_t)q;
	nodes[p].parent = NIL;
}

/* Writes the group that is full or the last. False: no room. */
static bool flush(struct encoder *e)
{
	if (e->group_size > e->room - e->used)
		return false;
	memcpy(e->output + e->used, e->group, e->group_size);
	e->used += e->group_size;
	e->group_size = 1;
	e->group[0] = 0;
	e->flag = 1;
	return true;
}

/* The next item: the best match, or a literal. Returns the bytes it stands for. */
static unsigned put_item(struct encoder *e, unsigned r, unsigned left)
{
	unsigned length = e->best_length < left ? e->best_length : left;
	if (length < MATCH_MIN) {
		e->group[0] |= (uint8_t)e->flag;
		e->group[e->group_size++] = e->text[r];
		length = 1;
	} else {
		unsigned position = e->best_position;
		e->group[e->group_size++] = (uint8_t)position;
		e->group[e->group_size++] =
			(uint8_t)((position >> 4 & 0xf0) | (length - MATCH_MIN));
	}
	e->flag <<= 1;
	return length;
}

/* Moves on by `count` bytes: old strings leave, new text comes in behind. */
static void advance(struct encoder *e, struct cursor *c, unsigned count, unsigned *r,
		    unsigned *left)
{
	for (; count; count--) {
		unsigned s = (*r + MATCH_MAX) % RING_SIZE;
		take_out(e, s);
		if (c->at < c->bytes.size) {
			uint8_t byte = c->bytes.data[c->at++];
			e->text[s] = byte;
			if (s < MATCH_MAX - 1)
				e->text[RING_SIZE + s] = byte;
		} else {
			(*left)--;
		}
		*r = (*r + 1) % RING_SIZE;
		if (*left && count == 1)
			insert(e, *r, true);
		else if (*left)
			insert(e, *r, false);
	}
}

/* False: no room. */
static bool encode(struct encoder *e, struct bytes input)
{
	struct cursor c = cursor_at(input, 0, false);
	unsigned r = START, left = 0;
	start(e);
	for (; left < MATCH_MAX && c.at < input.size; left++)
		e->text[r + left] = input.data[c.at++];
	for (unsigned i = 1; i <= MATCH_MAX; i++)
		insert(e, r - i, false);
	insert(e, r, true);
	while (left) {
		unsigned count = put_item(e, r, left);
		if (e->flag == 0x100 && !flush(e))
			return false;
		advance(e, &c, count, &r, &left);
	}
	return e->flag == 1 || flush(e);
}

int lzss_pack(struct bytes input, size_t room, uint8_t **ret, size_t *ret_size)
{
	size_t most = lzss_worst(input.size);
	_cleanup_free_ struct encoder *e = mem_zero(1, sizeof(*e));
	_cleanup_free_ uint8_t *output = mem_alloc(room < most ? room : most);
	if (!e || !output)
		return -ENOMEM;
	e->output = output;
	e->room = room < most ? room : most;
	*ret = NULL;
	*ret_size = 0;
	if (!input.size || !encode(e, input))
		return 0;
	*ret = output;
	*ret_size = e->used;
	output = NULL;
	return 0;
}
