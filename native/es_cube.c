/* What the ring holds, in groups coarse enough to search: by type, by the program that acts, by what it acts on. */
#include "es_ring.h"

#define DEPTH 20 /* directories of a path that are told apart */
#define AHEAD 12 /* strings */
enum { NONE, ROOT, FIRST }; /* nodes: no path, a path no node is kept for, the first that is kept */

typedef struct {
    uint8_t *ptr;
    uint32_t len;
} es_node;

/* The paths of one column as a tree of directories, with the events that each stands for. */
typedef struct {
    es_table dirs; /* a directory's id is greater than its parent's; 0 is the root */
    uint32_t *parent, *dir_node, cap;
    uint64_t *weight, *heaviest; /* by directory: of all in it, and of the heaviest thing right in it */
    uint64_t *string_weight;     /* by string id */
    uint32_t *string_dir, *string_node;
    es_node *nodes;
    uint32_t nnodes;
} es_tree;

struct es_cube {
    es_tree of[2]; /* executables, targets */
    es_cell *cells;
    uint32_t ncells, cap;
    uint32_t *slots; /* hash of a cell's key to cell + 1 */
    uint32_t mask;
};

static void tree_init(es_tree *t, uint32_t strings)
{
    es_table_init(&t->dirs);
    t->string_weight = es_zalloc(sizeof *t->string_weight * strings);
    t->string_dir = es_zalloc(sizeof *t->string_dir * strings);
    t->string_node = es_zalloc(sizeof *t->string_node * strings);
}

/* All but the nodes themselves. */
static void tree_finish(es_tree *t)
{
    es_table_free(&t->dirs);
    free(t->parent);
    free(t->dir_node);
    free(t->weight);
    free(t->heaviest);
    free(t->string_weight);
    free(t->string_dir);
    free(t->string_node);
}

static void dir_room(es_tree *t)
{
    if (t->dirs.count <= t->cap)
        return;
    uint32_t had = t->cap;
    t->cap = t->dirs.count * 2 + 1024;
    t->parent = es_realloc(t->parent, sizeof *t->parent * t->cap);
    t->weight = es_realloc(t->weight, sizeof *t->weight * t->cap);
    t->heaviest = es_realloc(t->heaviest, sizeof *t->heaviest * t->cap);
    t->dir_node = es_realloc(t->dir_node, sizeof *t->dir_node * t->cap);
    memset(t->parent + had, 0, sizeof *t->parent * (t->cap - had));
    memset(t->weight + had, 0, sizeof *t->weight * (t->cap - had));
    memset(t->heaviest + had, 0, sizeof *t->heaviest * (t->cap - had));
    memset(t->dir_node + had, 0, sizeof *t->dir_node * (t->cap - had));
}

/* The directory a path is in, with the slash at its end: of those told apart the deepest, or 0. */
static uint32_t directory_of(es_tree *t, const uint8_t *ptr, size_t len)
{
    size_t ends[DEPTH], n = 0;
    for (const uint8_t *p = ptr; n < DEPTH && (p = memchr(p, '/', len - (size_t)(p - ptr))); p++)
        ends[n++] = (size_t)(p - ptr) + 1;
    if (!n)
        return 0;
    uint32_t id = es_lookup(&t->dirs, ptr, ends[n - 1]);
    for (size_t k = 0, parent = 0; !id && k < n; k++) {
        uint32_t dir = es_intern(&t->dirs, ptr, ends[k]);
        dir_room(t);
        t->parent[dir] = (uint32_t)parent;
        parent = dir;
        if (k + 1 == n)
            return dir;
    }
    return id;
}

static int ends_as_directory(const es_entry *e)
{
    return !e->len || e->ptr[e->len - 1] == '/';
}

static int compare_nodes(const void *a, const void *b)
{
    const es_node *x = *(const es_node *const *)a, *y = *(const es_node *const *)b;
    int c = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void keep(es_tree *t, uint32_t *cap, const uint8_t *ptr, uint32_t len, uint32_t *node)
{
    if (t->nnodes == *cap) {
        *cap = *cap ? *cap * 2 : 256;
        t->nodes = es_realloc(t->nodes, sizeof *t->nodes * *cap);
    }
    es_node *made = &t->nodes[t->nnodes++];
    made->ptr = es_alloc(len);
    made->len = len;
    memcpy(made->ptr, ptr, len);
    *node = FIRST + t->nnodes - 1;
}

/* Chooses the nodes: what stands for enough events, but no directory that has all of them in one thing. */
static void choose(es_tree *t, const es_table *strings, uint32_t nstrings, uint64_t least)
{
    uint32_t cap = 0;
    dir_room(t);
    for (uint32_t id = 1; id < nstrings; id++) {
        const es_entry *e = &strings->entries[id];
        if (id + AHEAD < nstrings && t->string_weight[id + AHEAD])
            __builtin_prefetch(e[AHEAD].ptr);
        uint64_t weight = t->string_weight[id];
        if (!weight)
            continue;
        uint32_t dir = t->string_dir[id] = directory_of(t, e->ptr, e->len);
        t->weight[dir] += weight;
        if (ends_as_directory(e))
            continue;
        if (weight > t->heaviest[dir])
            t->heaviest[dir] = weight;
        if (weight >= least)
            keep(t, &cap, e->ptr, e->len, &t->string_node[id]);
    }
    for (uint32_t dir = t->dirs.count; --dir > 0;) {
        uint32_t parent = t->parent[dir];
        t->weight[parent] += t->weight[dir];
        if (t->weight[dir] > t->heaviest[parent])
            t->heaviest[parent] = t->weight[dir];
    }
    for (uint32_t dir = 1; dir < t->dirs.count; dir++)
        if (t->weight[dir] >= least && t->weight[dir] > t->heaviest[dir])
            keep(t, &cap, t->dirs.entries[dir].ptr, t->dirs.entries[dir].len, &t->dir_node[dir]);

    /* In the order of their bytes, so that numbers do not tell how they were found. */
    es_node **sorted = es_alloc(sizeof *sorted * (t->nnodes + 1));
    uint32_t *number = es_alloc(sizeof *number * (t->nnodes + FIRST));
    for (uint32_t k = 0; k < t->nnodes; k++)
        sorted[k] = &t->nodes[k];
    qsort(sorted, t->nnodes, sizeof *sorted, compare_nodes);
    es_node *nodes = es_alloc(sizeof *nodes * (t->nnodes + 1));
    for (uint32_t k = 0; k < t->nnodes; k++) {
        nodes[k] = *sorted[k];
        number[FIRST + (sorted[k] - t->nodes)] = FIRST + k;
    }
    free(sorted);
    free(t->nodes);
    t->nodes = nodes;
    t->dir_node[0] = ROOT;
    for (uint32_t dir = 1; dir < t->dirs.count; dir++)
        t->dir_node[dir] = t->dir_node[dir] ? number[t->dir_node[dir]] : t->dir_node[t->parent[dir]];
    for (uint32_t id = 1; id < nstrings; id++)
        if (t->string_weight[id])
            t->string_node[id] = t->string_node[id] ? number[t->string_node[id]] : t->dir_node[t->string_dir[id]];
    free(number);
}

static int same_key(const es_cell *a, const es_cell *b)
{
    return a->event == b->event && a->executable == b->executable && a->target1 == b->target1 &&
           a->target2 == b->target2;
}

static uint32_t slot_of(const es_cube *c, const es_cell *key)
{
    const uint64_t k = 0x9e3779b97f4a7c15u;
    uint64_t h = ((uint64_t)key->event << 32 | key->executable) * k;
    h = (h ^ h >> 29 ^ ((uint64_t)key->target1 << 32 | key->target2)) * k;
    uint32_t at = (uint32_t)(h >> 32) & c->mask;
    while (c->slots[at] && !same_key(&c->cells[c->slots[at] - 1], key))
        at = (at + 1) & c->mask;
    return at;
}

static es_cell *cell_of(es_cube *c, const es_cell *key)
{
    uint32_t at = slot_of(c, key);
    if (c->slots[at])
        return &c->cells[c->slots[at] - 1];
    if ((uint64_t)c->ncells * 2 >= c->mask) {
        c->mask = c->mask * 2 + 1;
        free(c->slots);
        c->slots = es_zalloc(sizeof *c->slots * ((size_t)c->mask + 1));
        for (uint32_t k = 0; k < c->ncells; k++)
            c->slots[slot_of(c, &c->cells[k])] = k + 1;
        at = slot_of(c, key);
    }
    if (c->ncells == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 1024;
        c->cells = es_realloc(c->cells, sizeof *c->cells * c->cap);
    }
    c->cells[c->ncells] = *key;
    c->slots[at] = ++c->ncells;
    return &c->cells[c->ncells - 1];
}

static int compare_cells(const void *a, const void *b)
{
    const es_cell *x = a, *y = b;
    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    if (x->executable != y->executable)
        return x->executable < y->executable ? -1 : 1;
    if (x->target1 != y->target1)
        return x->target1 < y->target1 ? -1 : 1;
    return (x->target2 > y->target2) - (x->target2 < y->target2);
}

/* Of two targets, leaves out the one that is muted: no more than the other is between this event and silence. */
static inline void unmuted_targets(es_ring *r, const es_judge_state *j, es_subject *s)
{
    es_rules *rules = j->rules;
    if (!s->target2 || !rules->asks_target || (rules->flags & ES_INVERT_TARGET) || !es_supports_targets(r, s->event))
        return;
    unsigned bit = es_event_bit(s->event);
    if (es_mask_has(es_string_mask(rules, &rules->target, j->target_class, &r->strings, s->target1), bit))
        s->target1 = s->target2;
    else if (!es_mask_has(es_string_mask(rules, &rules->target, j->target_class, &r->strings, s->target2), bit))
        return;
    s->target2 = 0;
}

es_cube *es_cube_new(es_ring *r, es_rules *rules, uint64_t least)
{
    es_rules_finish(rules);
    es_cube *c = es_zalloc(sizeof *c);
    c->mask = 4095;
    c->slots = es_zalloc(sizeof *c->slots * (c->mask + 1));
    es_lock(r);
    uint32_t nstrings = r->strings.count;
    es_tree *executables = &c->of[0], *targets = &c->of[1];
    tree_init(executables, nstrings);
    tree_init(targets, nstrings);
    es_judge_state j = es_judge_begin(r, rules);
    uint8_t *delivered = es_zalloc((r->head - r->tail) / 8 + 1);
    ES_EACH_EVENT(r, b, i, seq, {
        es_subject s;
        es_subject_of(b, i, &s);
        if (es_decide(&j, &r->strings, &r->processes, &s, es_supports_targets(r, s.event)))
            continue;
        uint64_t at = seq - r->tail;
        delivered[at >> 3] |= (uint8_t)(1u << (at & 7));
        unmuted_targets(r, &j, &s);
        executables->string_weight[s.executable]++; /* 0 is no string, and is not looked at */
        targets->string_weight[s.target1]++;
        targets->string_weight[s.target2]++;
    })
    choose(executables, &r->strings, nstrings, least);
    choose(targets, &r->strings, nstrings, least);
    ES_EACH_EVENT(r, b, i, seq, {
        uint64_t at = seq - r->tail;
        if (!(delivered[at >> 3] >> (at & 7) & 1))
            continue;
        es_subject s;
        es_subject_of(b, i, &s);
        unmuted_targets(r, &j, &s);
        es_cell key = {.event = s.event,
                       .executable = executables->string_node[s.executable],
                       .target1 = targets->string_node[s.target1],
                       .target2 = targets->string_node[s.target2]};
        es_cell *cell = cell_of(c, &key);
        cell->events++;
        cell->bytes += b->size[i];
        cell->last = seq;
    })
    es_unlock(r);
    es_judge_clear(&j);
    free(delivered);
    tree_finish(executables);
    tree_finish(targets);
    if (c->ncells)
        qsort(c->cells, c->ncells, sizeof *c->cells, compare_cells);
    return c;
}

void es_cube_free(es_cube *c)
{
    if (!c)
        return;
    for (int k = 0; k < 2; k++) {
        for (uint32_t n = 0; n < c->of[k].nnodes; n++)
            free(c->of[k].nodes[n].ptr);
        free(c->of[k].nodes);
    }
    free(c->cells);
    free(c->slots);
    free(c);
}

uint64_t es_cube_cells(es_cube *c, es_cell *out, uint64_t cap)
{
    if (c->ncells && c->ncells <= cap)
        memcpy(out, c->cells, sizeof *out * c->ncells);
    return c->ncells;
}

int64_t es_cube_node(es_cube *c, int targets, uint32_t node, uint8_t *buf, size_t cap)
{
    const es_tree *t = &c->of[targets != 0];
    if (node >= t->nnodes + FIRST)
        return -1;
    if (node < FIRST)
        return 0;
    const es_node *n = &t->nodes[node - FIRST];
    if (n->len <= cap)
        memcpy(buf, n->ptr, n->len);
    return n->len;
}
