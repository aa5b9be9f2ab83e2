#include "es_mute.h"

#define FEW 3 /* prefixes not worth a search */

static void matcher_init(es_matcher *m)
{
    memset(m, 0, sizeof *m);
    es_table_init(&m->literals);
}

static void matcher_free(es_matcher *m)
{
    for (uint32_t i = 0; i < m->nprefixes; i++)
        free((void *)(uintptr_t)m->prefixes[i].ptr);
    free(m->prefixes);
    free(m->literal_mask);
    es_table_free(&m->literals);
}

es_rules *es_rules_new(int flags, int subscribe_all)
{
    es_rules *r = es_zalloc(sizeof *r);
    r->flags = flags;
    r->subscribe_all = subscribe_all;
    es_table_init(&r->names);
    es_table_init(&r->processes);
    matcher_init(&r->path);
    matcher_init(&r->target);
    return r;
}

void es_rules_free(es_rules *r)
{
    if (!r)
        return;
    es_table_free(&r->names);
    es_table_free(&r->processes);
    matcher_free(&r->path);
    matcher_free(&r->target);
    free(r->process_mask);
    free(r->classes);
    free(r->class_slots);
    free(r);
}

void es_rules_subscribe(es_rules *r, const uint8_t *name, size_t len)
{
    es_intern(&r->names, name, len);
}

static void add_mask(es_mask *m, const uint8_t bytes[32])
{
    for (int i = 0; i < 32; i++)
        m->w[i >> 3] |= (uint64_t)bytes[i] << (i & 7) * 8;
}

/* Ids of a table that only grows are dense, so masks by id need no more than this. */
static es_mask *mask_at(es_mask **masks, uint32_t *n, uint32_t id)
{
    if (id >= *n) {
        uint32_t want = id + 1 > *n * 2 ? id + 64 : *n * 2;
        *masks = es_realloc(*masks, sizeof **masks * want);
        memset(*masks + *n, 0, sizeof **masks * (want - *n));
        *n = want;
    }
    return *masks + id;
}

void es_rules_path(es_rules *r, int type, const uint8_t *path, size_t len, const uint8_t mask[32])
{
    es_matcher *m = type == ES_TARGET_PREFIX || type == ES_TARGET_LITERAL ? &r->target : &r->path;
    if (type == ES_LITERAL || type == ES_TARGET_LITERAL) {
        add_mask(mask_at(&m->literal_mask, &m->nliterals, es_intern(&m->literals, path, len)), mask);
        return;
    }
    if (m->nprefixes == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 16;
        m->prefixes = es_realloc(m->prefixes, sizeof *m->prefixes * m->cap);
    }
    es_pattern *p = &m->prefixes[m->nprefixes++];
    memset(p, 0, sizeof *p);
    uint8_t *copy = es_alloc(len);
    memcpy(copy, path, len);
    p->ptr = copy;
    p->len = (uint32_t)len;
    add_mask(&p->mask, mask);
}

void es_rules_process(es_rules *r, uint64_t pid, uint64_t pidversion, const uint8_t mask[32])
{
    uint64_t key[2] = {pid, pidversion};
    uint32_t id = es_intern(&r->processes, (const uint8_t *)key, sizeof key);
    add_mask(mask_at(&r->process_mask, &r->nprocesses, id), mask);
}

static int compare(const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
    int c = memcmp(a, b, na < nb ? na : nb);
    return c ? c : (na > nb) - (na < nb);
}

static int compare_patterns(const void *a, const void *b)
{
    const es_pattern *x = a, *y = b;
    return compare(x->ptr, x->len, y->ptr, y->len);
}

/* The last byte first: paths that begin alike are the rule, and calling memcmp for each would cost more than the rest. */
static inline int is_prefix(const es_pattern *p, const uint8_t *ptr, size_t len)
{
    return p->len <= len && (!p->len || (p->ptr[p->len - 1] == ptr[p->len - 1] && memcmp(p->ptr, ptr, p->len) == 0));
}

static void join(es_mask *into, const es_mask *from)
{
    for (int i = 0; i < 4; i++)
        into->w[i] |= from->w[i];
}

/* Sorted, a prefix stands before all that begin with it, so one stack finds each one's parent. */
static void matcher_finish(es_matcher *m)
{
    if (!m->nprefixes)
        return;
    qsort(m->prefixes, m->nprefixes, sizeof *m->prefixes, compare_patterns);
    uint32_t n = 0;
    for (uint32_t i = 1; i < m->nprefixes; i++) {
        if (compare_patterns(&m->prefixes[n], &m->prefixes[i]) == 0) {
            join(&m->prefixes[n].mask, &m->prefixes[i].mask);
            free((void *)(uintptr_t)m->prefixes[i].ptr);
        } else
            m->prefixes[++n] = m->prefixes[i];
    }
    m->nprefixes = n + 1;
    for (uint32_t i = 0; i < m->nprefixes; i++) {
        int32_t parent = (int32_t)i - 1;
        while (parent >= 0 && !is_prefix(&m->prefixes[parent], m->prefixes[i].ptr, m->prefixes[i].len))
            parent = m->prefixes[parent].parent;
        m->prefixes[i].parent = parent;
        if (parent >= 0)
            join(&m->prefixes[i].mask, &m->prefixes[parent].mask);
    }
}

static uint32_t class_of(es_rules *r, const es_mask *m)
{
    uint64_t h = (m->w[0] * 3 + m->w[1] * 5 + m->w[2] * 7 + m->w[3] * 11) * 0x9e3779b97f4a7c15u;
    if (r->nclasses * 2 >= r->class_slot_mask) {
        uint32_t size = r->class_slot_mask ? (r->class_slot_mask + 1) * 2 : 64;
        free(r->class_slots);
        r->class_slots = es_zalloc(sizeof *r->class_slots * size);
        r->class_slot_mask = size - 1;
        uint32_t n = r->nclasses;
        for (r->nclasses = 0; r->nclasses < n;) /* finds its free slot again, in the same order */
            class_of(r, &r->classes[r->nclasses]);
    }
    uint32_t at = (uint32_t)(h >> 40) & r->class_slot_mask;
    for (uint32_t c; (c = r->class_slots[at]); at = (at + 1) & r->class_slot_mask)
        if (memcmp(&r->classes[c - 1], m, sizeof *m) == 0)
            return c - 1;
    if (r->nclasses == r->classes_cap) {
        es_mask copy = *m;
        r->classes_cap = r->classes_cap ? r->classes_cap * 2 : 64;
        r->classes = es_realloc(r->classes, sizeof *r->classes * r->classes_cap);
        r->classes[r->nclasses] = copy;
    } else
        r->classes[r->nclasses] = *m;
    r->class_slots[at] = r->nclasses + 1;
    return r->nclasses++;
}

void es_rules_finish(es_rules *r)
{
    if (r->ready)
        return;
    r->ready = 1;
    matcher_finish(&r->path);
    matcher_finish(&r->target);
    es_mask none = {{0}};
    class_of(r, &none);
    es_matcher *matchers[] = {&r->path, &r->target};
    for (int i = 0; i < 2; i++)
        for (uint32_t k = 0; k < matchers[i]->nprefixes; k++)
            matchers[i]->prefixes[k].class = class_of(r, &matchers[i]->prefixes[k].mask);
    r->asks_process = r->nprocesses || (r->flags & ES_INVERT_PROCESS);
    r->asks_path = r->path.nliterals || r->path.nprefixes || (r->flags & ES_INVERT_PATH);
    r->asks_target = r->target.nliterals || r->target.nprefixes || (r->flags & ES_INVERT_TARGET);
}

static inline es_met match(const es_matcher *m, const es_entry *e)
{
    const uint8_t *ptr = e->ptr;
    size_t len = e->len;
    es_met met = {.literal = m->nliterals ? es_lookup_entry(&m->literals, e) : 0};
    /* The last prefix not after the string: it, or one of its parents, is the longest that matches. */
    int few = m->nprefixes <= FEW; /* then each is tried from the last back, for its parents stand before it */
    uint32_t low = few ? m->nprefixes : 0, high = m->nprefixes;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (compare(m->prefixes[mid].ptr, m->prefixes[mid].len, ptr, len) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    int32_t at = (int32_t)low - 1;
    while (at >= 0 && !is_prefix(&m->prefixes[at], ptr, len))
        at = few ? at - 1 : m->prefixes[at].parent;
    met.prefix = at;
    return met;
}

es_met es_match(const es_matcher *m, const es_entry *e)
{
    return match(m, e);
}

uint32_t es_path_class(es_rules *r, const es_matcher *m, const es_entry *e)
{
    es_met met = match(m, e);
    if (!met.literal)
        return met.prefix < 0 ? 0 : m->prefixes[met.prefix].class;
    es_mask mask = m->literal_mask[met.literal];
    if (met.prefix >= 0)
        join(&mask, &m->prefixes[met.prefix].mask);
    return class_of(r, &mask);
}

uint32_t es_process_class(es_rules *r, const uint8_t key[16])
{
    uint32_t id = es_lookup(&r->processes, key, 16);
    es_mask none = {{0}};
    return class_of(r, id ? &r->process_mask[id] : &none);
}

static uint32_t *room(uint32_t *array, uint32_t had, uint32_t want)
{
    array = es_realloc(array, sizeof *array * want);
    memset(array + had, 0xff, sizeof *array * (want - had));
    return array;
}

void es_judge_room(es_judge_state *j, uint32_t strings, uint32_t processes)
{
    if (strings > j->strings) {
        uint32_t want = strings + (j->strings ? strings / 2 : 0) + 1024; /* at first, those that are there */
        j->path_class = room(j->path_class, j->strings, want);
        j->target_class = room(j->target_class, j->strings, want);
        j->strings = want;
    }
    if (processes > j->processes) {
        uint32_t want = processes + (j->processes ? processes / 2 : 0) + 1024;
        j->process_class = room(j->process_class, j->processes, want);
        j->processes = want;
    }
}

void es_judge_clear(es_judge_state *j)
{
    free(j->path_class);
    free(j->target_class);
    free(j->process_class);
    free(j->subscribed);
    memset(j, 0, sizeof *j);
}
