/*
 * Small random sets of kexts and a solver that tries every choice: a set of kexts is a
 * solution when it holds the root, each request of a member is met by the member that the
 * rules prefer, every member is needed, and there is no cycle. Bytes decide everything,
 * so that a fuzzer can as well as a random number generator.
 */
#ifndef GRAPH_MODEL_H
#define GRAPH_MODEL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kext/repository.h>
#include <kext/resolve.h>
#include <kext/version.h>

#define MODEL_IDS      6
#define MODEL_KEXTS    18
#define MODEL_REQUESTS 3
#define NOBODY	       (-1)
#define UNKNOWN	       (-2) /* loaded, of no kext that is known */

struct model_request {
	int id, version;
};

struct model_kext {
	int id, version, compatible; /* compatible 0: no library */
	int request_count;
	struct model_request requests[MODEL_REQUESTS];
	struct kext_bundle *bundle;
};

struct model {
	const uint8_t *bytes;
	size_t size;
	int id_count, kext_count, loaded_count;
	bool is_single; /* one version of each identifier */
	struct model_kext kexts[MODEL_KEXTS];
	struct kext_loaded loaded[MODEL_IDS];
	int loaded_version[MODEL_IDS], loaded_compatible[MODEL_IDS]; /* version 0: not */
	char names[MODEL_IDS][8];
	struct kext_context *context;
	struct kext_repository *repository;
};

static inline int model_byte(struct model *m, int below)
{
	if (!m->size)
		return 0;
	m->size--;
	return *m->bytes++ % below;
}

static inline void model_must(int error)
{
	if (error < 0)
		abort();
}

static inline struct kext_value *model_text(int version)
{
	char text[16];
	snprintf(text, sizeof(text), "%d.0", version);
	return kext_value_new_string(text);
}

static inline void model_open(struct model *m, struct model_kext *kext)
{
	struct kext_value *info = kext_value_new_dictionary();
	struct kext_value *libraries = kext_value_new_dictionary();
	const char *name = m->names[kext->id];
	model_must(
		kext_value_set(info, "CFBundleIdentifier", kext_value_new_string(name)));
	model_must(kext_value_set(info, "CFBundleVersion", model_text(kext->version)));
	if (kext->compatible)
		model_must(kext_value_set(info, "OSBundleCompatibleVersion",
					  model_text(kext->compatible)));
	for (int i = 0; i < kext->request_count; i++)
		model_must(kext_value_set(libraries, m->names[kext->requests[i].id],
					  model_text(kext->requests[i].version)));
	model_must(kext_value_set(info, "OSBundleLibraries", libraries));
	model_must(kext_bundle_new_archived(m->context, NULL, NULL, info, NULL, 0, NULL,
					    &kext->bundle));
	kext_value_unref(info);
	model_must(kext_repository_add(m->repository, kext->bundle));
}

/* A dictionary holds a key once, so a second request for an identifier is dropped. */
static inline void model_add_request(struct model_kext *kext, int id, int version)
{
	for (int i = 0; i < kext->request_count; i++)
		if (kext->requests[i].id == id)
			return;
	kext->requests[kext->request_count++] = (struct model_request){id, version};
}

static inline void model_add_kext(struct model *m, int id)
{
	struct model_kext *kext = &m->kexts[m->kext_count++];
	kext->id = id;
	kext->version = 1 + model_byte(m, 4);
	/* Two of three are libraries whose versions reach far back. */
	kext->compatible = model_byte(m, 3) ? 1 + model_byte(m, kext->version) : 0;
	int count = model_byte(m, MODEL_REQUESTS + 1);
	for (int i = 0; i < count; i++) {
		int other = model_byte(m, m->id_count);
		model_add_request(kext, other, 1 + model_byte(m, 4));
	}
}

static inline void model_add_loaded(struct model *m, int id)
{
	m->loaded_version[id] = 1 + model_byte(m, 4);
	m->loaded_compatible[id] =
		model_byte(m, 4) ? 1 + model_byte(m, m->loaded_version[id]) : 0;
	struct kext_loaded *loaded = &m->loaded[m->loaded_count++];
	*loaded = (struct kext_loaded){.identifier = m->names[id]};
	char text[16];
	snprintf(text, sizeof(text), "%d.0", m->loaded_version[id]);
	model_must(kext_version_parse(text, &loaded->version));
	snprintf(text, sizeof(text), "%d.0", m->loaded_compatible[id]);
	if (m->loaded_compatible[id])
		model_must(kext_version_parse(text, &loaded->compatible_version));
}

static inline void model_init(struct model *m, const uint8_t *bytes, size_t size)
{
	*m = (struct model){.bytes = bytes, .size = size};
	model_must(kext_context_new(&m->context));
	model_must(kext_repository_new(m->context, &m->repository));
	m->id_count = 2 + model_byte(m, MODEL_IDS - 1);
	m->is_single = model_byte(m, 3) == 0;
	for (int id = 0; id < m->id_count; id++)
		snprintf(m->names[id], sizeof(m->names[id]), "com.%c", 'a' + id);
	for (int id = 0; id < m->id_count; id++) {
		int versions = m->is_single ? 1 : 1 + model_byte(m, 3);
		while (versions--)
			model_add_kext(m, id);
		if (model_byte(m, 6) == 1)
			model_add_loaded(m, id);
	}
	for (int i = 0; i < m->kext_count; i++)
		model_open(m, &m->kexts[i]);
}

static inline void model_free(struct model *m)
{
	for (int i = 0; i < m->kext_count; i++)
		kext_bundle_unref(m->kexts[i].bundle);
	kext_repository_free(m->repository);
	kext_context_unref(m->context);
}

/* ---- the solver ---- */

static inline bool model_fits(int version, int compatible, int wanted)
{
	return compatible && compatible <= wanted && wanted <= version;
}

/* Later ones win among equal versions. */
static inline int model_prefer(const struct model *m, struct model_request request)
{
	int found = NOBODY, loaded = m->loaded_version[request.id];
	if (loaded &&
	    !model_fits(loaded, m->loaded_compatible[request.id], request.version))
		return NOBODY;
	for (int i = 0; i < m->kext_count; i++) {
		const struct model_kext *kext = &m->kexts[i];
		if (kext->id != request.id)
			continue;
		bool fits = loaded ? kext->version == loaded
				   : model_fits(kext->version, kext->compatible,
						request.version);
		if (fits && (found == NOBODY || kext->version >= m->kexts[found].version))
			found = i;
	}
	return found == NOBODY && loaded ? UNKNOWN : found;
}

/* choice[id]: who of that identifier is in the set. */
static inline bool model_is_closed(const struct model *m, const int *choice)
{
	for (int id = 0; id < m->id_count; id++) {
		if (choice[id] < 0)
			continue;
		const struct model_kext *kext = &m->kexts[choice[id]];
		for (int i = 0; i < kext->request_count; i++) {
			int wanted = model_prefer(m, kext->requests[i]);
			if (wanted == NOBODY || choice[kext->requests[i].id] != wanted)
				return false;
		}
	}
	return true;
}

/* Members are taken away while nobody asks for them; only the root may be the first. */
static inline bool model_is_minimal_and_acyclic(const struct model *m, const int *choice,
						int root)
{
	bool gone[MODEL_IDS] = {false};
	for (int round = 0; round < m->id_count; round++) {
		int asked[MODEL_IDS] = {0}, taken = NOBODY;
		for (int id = 0; id < m->id_count; id++)
			for (int i = 0; choice[id] >= 0 && !gone[id] &&
					i < m->kexts[choice[id]].request_count;
			     i++)
				asked[m->kexts[choice[id]].requests[i].id]++;
		for (int id = 0; id < m->id_count && taken == NOBODY; id++)
			if (choice[id] != NOBODY && !gone[id] && !asked[id] &&
			    (round > 0 || choice[id] == root))
				taken = id;
		if (round == 0) /* nobody but the root may stand unasked */
			for (int id = 0; id < m->id_count; id++)
				if (choice[id] != NOBODY && !asked[id] &&
				    choice[id] != root)
					return false;
		if (taken == NOBODY)
			break;
		gone[taken] = true;
	}
	for (int id = 0; id < m->id_count; id++)
		if (choice[id] != NOBODY && !gone[id])
			return false;
	return true;
}

static inline bool model_search(const struct model *m, int root, int id, int *choice)
{
	if (id == m->id_count)
		return model_is_closed(m, choice) &&
		       model_is_minimal_and_acyclic(m, choice, root);
	if (id == m->kexts[root].id) {
		choice[id] = root;
		return model_search(m, root, id + 1, choice);
	}
	for (int who = UNKNOWN; who < m->kext_count; who++) {
		if (who >= 0 && m->kexts[who].id != id)
			continue;
		choice[id] = who;
		if (model_search(m, root, id + 1, choice))
			return true;
	}
	return false;
}

/* ---- comparison ---- */

static inline int model_id_of(const struct model *m, const struct kext_load_item *item)
{
	const char *name = item->bundle ? kext_bundle_identifier(item->bundle)
					: item->loaded->identifier;
	for (int id = 0; id < m->id_count; id++)
		if (strcmp(m->names[id], name) == 0)
			return id;
	abort();
}

static inline void model_expect(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "the resolver is wrong: %s\n", what);
	abort();
}

/* Exactly the members of the solution, each behind what it asks for, the root last. */
static inline void model_compare_list(const struct model *m, const int *choice, int root,
				      const struct kext_load_list *list)
{
	bool seen[MODEL_IDS] = {false};
	size_t count = kext_load_list_count(list), expected = 0;
	for (int id = 0; id < m->id_count; id++)
		expected += choice[id] != NOBODY;
	model_expect(count == expected, "number of members");
	for (size_t at = 0; at < count; at++) {
		const struct kext_load_item *item = kext_load_list_at(list, at);
		int id = model_id_of(m, item), who = choice[id];
		model_expect(!seen[id] && who != NOBODY, "a member too many");
		model_expect(who == UNKNOWN ? !item->bundle
					    : item->bundle == m->kexts[who].bundle,
			     "another choice");
		model_expect((item->loaded != NULL) == (m->loaded_version[id] != 0),
			     "loaded or not");
		for (int i = 0; who >= 0 && i < m->kexts[who].request_count; i++)
			model_expect(seen[m->kexts[who].requests[i].id], "order");
		seen[id] = true;
	}
	model_expect(choice[m->kexts[root].id] == root &&
			     kext_load_list_at(list, count - 1)->bundle ==
				     m->kexts[root].bundle,
		     "the root is not the last");
}

/* Whether it can be resolved; aborts where resolver and solver differ. */
static inline bool model_compare(const struct model *m, int root)
{
	int choice[MODEL_IDS];
	struct kext_load_list *list = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	bool is_solvable = model_search(m, root, 0, choice);
	int error = kext_resolve(m->repository, m->kexts[root].bundle, m->loaded,
				 (size_t)m->loaded_count, kext_arch_host(), diagnostics,
				 &list);
	model_expect((error == 0) == is_solvable, "whether there is a solution");
	model_expect((kext_diagnostics_count(diagnostics, KEXT_ERROR) == 0) ==
			     is_solvable,
		     "silence");
	if (is_solvable)
		model_compare_list(m, choice, root, list);
	kext_load_list_free(list);
	kext_diagnostics_free(diagnostics);
	return is_solvable;
}

/* With one version of each identifier and none loaded, all at once is as one by one. */
static inline void model_compare_all(const struct model *m)
{
	struct kext_bundle *bundles[MODEL_KEXTS];
	int results[MODEL_KEXTS], choice[MODEL_IDS];
	struct kext_load_list *list;
	for (int i = 0; i < m->kext_count; i++)
		bundles[i] = m->kexts[i].bundle;
	model_must(kext_resolve_all(m->repository, bundles, (size_t)m->kext_count,
				    m->loaded, (size_t)m->loaded_count, kext_arch_host(),
				    NULL, results, &list));
	for (int i = 0; m->is_single && !m->loaded_count && i < m->kext_count; i++) {
		bool is_solvable = model_search(m, i, 0, choice);
		model_expect((results[i] == 0) == is_solvable, "all at once");
	}
	kext_load_list_free(list);
}

#endif
