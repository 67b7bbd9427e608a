/*
 * LZSS compression whose output equals Darwin's encoder byte for byte. Which of several
 * equally long matches is taken depends on the shape of unbalanced binary trees, one for
 * each first byte, that hold the strings of the ring: the match nearest to the root wins.
 * So the trees are kept exactly as that encoder keeps them; only their walk is made fast:
 * a node keeps the four bytes behind its first as one number, and comparing two numbers
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
#define KEY_SIZE  4u
#define TAIL_MASK (UINT64_MAX << 24) /* of bytes 13 to 17 in a load of eight */

union node {
	struct {
		uint32_t key;	   /* bytes 1 to 4 of the string, the first one on top */
		uint16_t child[2]; /* left, right */
	};
	uint64_t whole;
};

/* A node that a walk came by: in which bits of the key it differs. */
struct step {
	uint32_t apart, node;
};

struct encoder {
	union node nodes[RING_SIZE + 1 + 256]; /* ring, NIL, the roots' owners */
	uint16_t parent[RING_SIZE + 1 + 256];  /* NIL: not in a tree */
	/* The ring; its first 17 bytes again, so that strings need no wrap; room for
	 * loads. */
	uint8_t text[RING_SIZE + MATCH_MAX - 1 + sizeof(uint64_t)];
	struct step steps[RING_SIZE];
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
		e->parent[i] = NIL;
	for (unsigned i = RING_SIZE + 1; i < RING_SIZE + 1 + 256; i++)
		e->nodes[i].child[1] = NIL;
	e->group_size = 1;
	e->flag = 1;
}

/* The node that has all 18 bytes of `r` leaves; `r` takes its place. */
static void replace(struct encoder *e, unsigned p, unsigned r)
{
	union node *nodes = e->nodes;
	union node *old = &nodes[p];
	nodes[r].child[0] = old->child[0];
	nodes[r].child[1] = old->child[1];
	e->parent[r] = e->parent[p];
	e->parent[old->child[0]] = (uint16_t)r;
	e->parent[old->child[1]] = (uint16_t)r;
	union node *above = &nodes[e->parent[p]];
	above->child[above->child[1] == p] = (uint16_t)r;
	e->parent[p] = NIL;
}

static void add_leaf(struct encoder *e, unsigned above, bool is_after, unsigned r)
{
	union node *nodes = e->nodes;
	nodes[r].child[0] = nodes[r].child[1] = NIL;
	e->parent[r] = (uint16_t)above;
	nodes[above].child[is_after] = (uint16_t)r;
}

/*
 * Equal bytes of two strings whose first five are equal, and through *ret_is_after
 * whether the first string sorts behind the second.
 */
static unsigned compare_tails(const uint8_t *a, const uint8_t *b, bool *ret_is_after)
{
	unsigned equal = 1 + KEY_SIZE;
	uint64_t x = load64(a + equal, true), y = load64(b + equal, true);
	if (x == y) {
		equal += sizeof(x);
		x = load64(a + equal, true) & TAIL_MASK;
		y = load64(b + equal, true) & TAIL_MASK;
	}
	*ret_is_after = x > y;
	return x == y ? MATCH_MAX : equal + (unsigned)__builtin_clzll(x ^ y) / 8;
}

/* The first of the steps that has the most bytes in common: it is `nearest` to the key.
 */
static void choose_step(struct encoder *e, uint32_t nearest)
{
	unsigned equal = (unsigned)__builtin_clz(nearest) / 8;
	uint32_t limit = UINT32_MAX >> (8 * equal);
	const struct step *step = e->steps;
	while (step->apart > limit)
		step++;
	e->best_position = step->node;
	e->best_length = 1 + equal;
}

/*
 * Adds the string at `r` and, when it is wanted, finds the longest match that the walk to
 * its place meets; of equal ones the first. Which way a walk turns cannot be predicted,
 * so there are no branches on it; and it is a chain of loads that wait for each other, so
 * both children are fetched while keys are compared, and a step only notes how near it
 * is.
 */
static inline __attribute__((always_inline)) void insert(struct encoder *e, unsigned r,
							 bool is_wanted)
{
	union node *nodes = e->nodes;
	const uint8_t *text = e->text + r;
	uint32_t key = load32(text + 1, true), nearest = UINT32_MAX;
	unsigned above = RING_SIZE + 1 + text[0], p = nodes[above].child[1], length = 0;
	unsigned turn = UINT32_MAX;
	struct step *step = e->steps;
	union node node = nodes[p];
	e->best_length = 0;
	while (p != NIL) {
		unsigned left = node.child[0], right = node.child[1];
		union node before = nodes[left], after = nodes[right];
		turn = -(unsigned)(key > node.key);
		if (__builtin_expect(key == node.key, 0)) {
			bool is_after;
			length = compare_tails(text, e->text + p, &is_after);
			turn = -(unsigned)is_after;
			if (length > e->best_length) {
				e->best_position = p;
				e->best_length = length;
			}
			if (length == MATCH_MAX)
				break;
		} else if (is_wanted) {
			uint32_t apart = key ^ node.key;
			*step++ = (struct step){apart, p};
			nearest = nearest < apart ? nearest : apart;
		}
		above = p;
		p = left ^ ((left ^ right) & turn);
		node.whole = __builtin_expect_with_probability(turn, 1, 0.5)
				     ? after.whole
				     : before.whole;
	}
	if (is_wanted && !e->best_length && step != e->steps)
		choose_step(e, nearest);
	nodes[r].key = key;
	if (p != NIL)
		replace(e, p, r);
	else
		add_leaf(e, above, turn & 1, r);
}

/* The in-order predecessor of `p`, unhooked and with p's children as its own. */
static unsigned raise_predecessor(struct encoder *e, unsigned p)
{
	union node *nodes = e->nodes;
	unsigned q = nodes[p].child[0];
	if (nodes[q].child[1] != NIL) {
		do
			q = nodes[q].child[1];
		while (nodes[q].child[1] != NIL);
		nodes[e->parent[q]].child[1] = nodes[q].child[0];
		e->parent[nodes[q].child[0]] = e->parent[q];
		nodes[q].child[0] = nodes[p].child[0];
		e->parent[nodes[p].child[0]] = (uint16_t)q;
	}
	nodes[q].child[1] = nodes[p].child[1];
	e->parent[nodes[p].child[1]] = (uint16_t)q;
	return q;
}

static void take_out(struct encoder *e, unsigned p)
{
	union node *nodes = e->nodes;
	unsigned q, above = e->parent[p];
	if (above == NIL)
		return;
	unsigned left = nodes[p].child[0], right = nodes[p].child[1];
	if (left != NIL && right != NIL)
		q = raise_predecessor(e, p);
	else
		q = left + right - NIL;
	e->parent[q] = (uint16_t)above;
	nodes[above].child[nodes[above].child[1] == p] = (uint16_t)q;
	e->parent[p] = NIL;
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
