/* What each rule of a plan does to the events held: those it matches, those it alone decides, and what would decide in
 * its place. Events are first told apart by no more than decides (the rules that each of their paths and processes
 * meets, and their type); the rest is worked out once for each of these cases. */
#include "es_ring.h"

#define AHEAD 12 /* strings */
#define NONE UINT32_MAX

enum { OF_PROCESS, OF_PATH, OF_TARGET };

typedef struct {
    es_mask mask;
    uint32_t path;  /* of a path: its id in paths */
    uint32_t next;  /* of the rules with the same words, or NONE */
    uint8_t of, idle, literal;
} rule;

/* One kind of paths: which rules stand behind each literal and each prefix. */
typedef struct {
    es_table paths;
    uint32_t *literal, *prefix;  /* the first rule, or NONE */
    int32_t *literal_prefix;     /* the longest prefix of a literal, or -1 */
} dimension;

/* What an event comes down to. A class is 0 where there is no such thing; else 1 + what of the rules it meets. */
typedef struct {
    uint32_t process, instigator, executable, target1, target2, event; /* event: its bit, and SUBSCRIBED */
} key;

#define SUBSCRIBED 256

typedef struct {
    key key;
    uint64_t events, bytes;
    int64_t last, last_ns;
} event_case;

struct es_entries {
    es_rules *rules;  /* all of them together, to look strings up */
    dimension dims[3]; /* by OF_; that of processes has no paths */
    uint32_t *process; /* the first rule of a process */
    rule *all;
    uint32_t n, cap;
};

es_entries *es_entries_new(int flags, int subscribe_all)
{
    es_entries *n = es_zalloc(sizeof *n);
    n->rules = es_rules_new(flags, subscribe_all);
    es_table_init(&n->dims[OF_PATH].paths);
    es_table_init(&n->dims[OF_TARGET].paths);
    return n;
}

void es_entries_free(es_entries *n)
{
    if (!n)
        return;
    es_rules_free(n->rules);
    for (int of = OF_PATH; of <= OF_TARGET; of++) {
        es_table_free(&n->dims[of].paths);
        free(n->dims[of].literal);
        free(n->dims[of].prefix);
        free(n->dims[of].literal_prefix);
    }
    free(n->process);
    free(n->all);
    free(n);
}

void es_entries_subscribe(es_entries *n, const uint8_t *name, size_t len)
{
    es_rules_subscribe(n->rules, name, len);
}

static rule *add(es_entries *n, const uint8_t mask[32], int idle)
{
    if (n->n == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 64;
        n->all = es_realloc(n->all, sizeof *n->all * n->cap);
    }
    rule *new = &n->all[n->n++];
    memset(new, 0, sizeof *new);
    for (int i = 0; i < 32; i++)
        new->mask.w[i >> 3] |= (uint64_t)mask[i] << (i & 7) * 8;
    new->idle = idle != 0;
    new->next = NONE;
    return new;
}

void es_entries_path(es_entries *n, int type, const uint8_t *path, size_t len, const uint8_t mask[32], int idle)
{
    rule *new = add(n, mask, idle);
    new->of = type == ES_TARGET_PREFIX || type == ES_TARGET_LITERAL ? OF_TARGET : OF_PATH;
    new->literal = type == ES_LITERAL || type == ES_TARGET_LITERAL;
    new->path = es_intern(&n->dims[new->of].paths, path, len);
    es_rules_path(n->rules, type, path, len, mask);
}

void es_entries_process(es_entries *n, uint64_t pid, uint64_t pidversion, const uint8_t mask[32], int idle)
{
    uint64_t words[2] = {pid, pidversion};
    add(n, mask, idle)->of = OF_PROCESS;
    es_rules_process(n->rules, pid, pidversion, mask);
    /* An id of processes, which only grows. */
    n->all[n->n - 1].path = es_lookup(&n->rules->processes, (const uint8_t *)words, sizeof words);
}

static uint32_t *none(size_t n)
{
    uint32_t *first = es_alloc(sizeof *first * n);
    memset(first, 0xff, sizeof *first * n);
    return first;
}

/* Puts each rule behind its words; those added first stand first. */
static void finish(es_entries *n)
{
    es_rules_finish(n->rules);
    const es_matcher *matchers[] = {NULL, &n->rules->path, &n->rules->target};
    for (int of = OF_PATH; of <= OF_TARGET; of++) {
        dimension *d = &n->dims[of];
        d->literal = none(matchers[of]->literals.count);
        d->prefix = none(matchers[of]->nprefixes);
        d->literal_prefix = es_alloc(sizeof *d->literal_prefix * matchers[of]->literals.count);
    }
    n->process = none(n->rules->processes.count);
    for (uint32_t k = n->n; k-- > 0;) {
        rule *own = &n->all[k];
        dimension *d = &n->dims[own->of];
        uint32_t *first = &n->process[own->path];
        if (own->of != OF_PROCESS) {
            /* Of the prefixes of a prefix, the longest is itself. */
            es_met met = es_match(matchers[own->of], &d->paths.entries[own->path]);
            first = own->literal ? &d->literal[met.literal] : &d->prefix[met.prefix];
            if (own->literal)
                d->literal_prefix[met.literal] = met.prefix;
        }
        own->next = *first;
        *first = k;
    }
}

static const es_matcher *matcher_of(const es_entries *n, int of)
{
    return of == OF_PATH ? &n->rules->path : &n->rules->target;
}

static uint32_t path_class(const es_entries *n, int of, const es_entry *e)
{
    const es_matcher *m = matcher_of(n, of);
    es_met met = es_match(m, e);
    return 1 + (met.literal ? m->nprefixes + met.literal : (uint32_t)(met.prefix + 1));
}

static uint32_t append(const es_entries *n, uint32_t at, unsigned bit, uint32_t *out, uint32_t count)
{
    for (; at != NONE; at = n->all[at].next)
        if (es_mask_has(&n->all[at].mask, bit))
            out[count++] = at;
    return count;
}

/* The rules that something of a class meets, for one type of event. */
static uint32_t gather(const es_entries *n, int of, uint32_t class, unsigned bit, uint32_t *out)
{
    if (class <= 1)
        return 0;
    class -= 1;
    if (of == OF_PROCESS)
        return append(n, n->process[class], bit, out, 0);
    const es_matcher *m = matcher_of(n, of);
    const dimension *d = &n->dims[of];
    int32_t prefix = (int32_t)class - 1;
    uint32_t count = 0;
    if (class > m->nprefixes) {
        count = append(n, d->literal[class - m->nprefixes], bit, out, 0);
        prefix = d->literal_prefix[class - m->nprefixes];
    }
    for (; prefix >= 0; prefix = m->prefixes[prefix].parent)
        count = append(n, d->prefix[prefix], bit, out, count);
    return count;
}

/* What the rules say of one thing that an event is asked about. */
typedef struct {
    uint32_t *met, nmet;    /* the rules, those that decide nothing too */
    uint32_t count;         /* those that decide */
    uint32_t first, second; /* of these, in the order in which they were added; NONE */
    int there;              /* is it asked at all */
} thing;

enum { PROCESS, INSTIGATOR, EXECUTABLE, TARGET_1, TARGET_2, THINGS };

static const uint8_t dimension_of[THINGS] = {OF_PROCESS, OF_PROCESS, OF_PATH, OF_TARGET, OF_TARGET};

static void look(const es_entries *n, int which, uint32_t class, unsigned bit, thing *t)
{
    t->nmet = gather(n, dimension_of[which], class, bit, t->met);
    t->count = 0;
    t->first = t->second = NONE;
    t->there = class != 0;
    for (uint32_t k = 0; k < t->nmet; k++) {
        uint32_t at = t->met[k];
        if (n->all[at].idle)
            continue;
        t->count++;
        if (at < t->first) {
            t->second = t->first;
            t->first = at;
        } else if (at < t->second)
            t->second = at;
    }
}

static int meets(const thing *t, uint32_t at)
{
    for (uint32_t k = 0; k < t->nmet; k++)
        if (t->met[k] == at)
            return 1;
    return 0;
}

/* How many rules of a thing are left without one, and the first of them. */
static uint32_t left(const thing *t, uint32_t without, uint32_t *first)
{
    if (without == NONE || !meets(t, without)) {
        *first = t->first;
        return t->count;
    }
    *first = t->first == without ? t->second : t->first;
    return t->count - 1;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The verdict on a case without one rule, NONE for with them all: whether it is suppressed. keeper: the rule that
 * decides then, or NONE; of an event that is delivered, the one that selects what `without` selected. */
static int suppressed(const es_entries *n, const thing *t, int subscribed, uint32_t without, uint32_t *keeper)
{
    int flags = n->rules->flags;
    uint32_t first[THINGS], count[THINGS];
    *keeper = NONE;
    if (!subscribed)
        return 1;
    for (int k = 0; k < THINGS; k++)
        count[k] = left(&t[k], without, &first[k]);
    uint32_t voter = least(first[PROCESS], first[INSTIGATOR]);
    if (!(flags & ES_INVERT_PROCESS) ? voter != NONE : !count[PROCESS] || (t[INSTIGATOR].there && !count[INSTIGATOR])) {
        *keeper = flags & ES_INVERT_PROCESS ? NONE : voter;
        return 1;
    }
    if ((count[EXECUTABLE] != 0) != ((flags & ES_INVERT_PATH) != 0)) {
        *keeper = flags & ES_INVERT_PATH ? NONE : first[EXECUTABLE];
        return 1;
    }
    if (t[TARGET_1].there) {
        int all = count[TARGET_1] && (!t[TARGET_2].there || count[TARGET_2]), any = count[TARGET_1] || count[TARGET_2];
        if (flags & ES_INVERT_TARGET ? !any : all) {
            *keeper = flags & ES_INVERT_TARGET ? NONE : first[TARGET_1];
            return 1;
        }
    }
    if (without == NONE)
        return 0;
    switch (n->all[without].of) {
    case OF_PROCESS:
        for (int k = PROCESS; flags & ES_INVERT_PROCESS && k <= INSTIGATOR; k++)
            if (meets(&t[k], without))
                *keeper = least(*keeper, first[k]);
        break;
    case OF_PATH:
        *keeper = flags & ES_INVERT_PATH ? first[EXECUTABLE] : NONE;
        break;
    default:
        *keeper = flags & ES_INVERT_TARGET ? least(first[TARGET_1], first[TARGET_2]) : NONE;
    }
    return 0;
}

/* Calls body with each rule that a case meets, once. */
#define EACH_MET(t, at, body)                                                                 \
    for (int _k = 0; _k < THINGS; _k++)                                                       \
        for (uint32_t _m = 0; _m < (t)[_k].nmet; _m++) {                                      \
            uint32_t at = (t)[_k].met[_m];                                                    \
            if ((_k == INSTIGATOR && meets(&(t)[PROCESS], at)) || (_k == TARGET_2 && meets(&(t)[TARGET_1], at))) \
                continue;                                                                     \
            body                                                                              \
        }

/* The cases found so far. */
typedef struct {
    event_case *all;
    uint32_t n, cap, *slots, mask;
} cases;

static uint64_t hash(const key *k)
{
    uint64_t w[3];
    memcpy(w, k, sizeof w);
    uint64_t h = w[0] * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32 ^ w[1]) * 0xd6e8feb86659fd93u;
    h = (h ^ h >> 32 ^ w[2]) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static void grow(cases *c)
{
    c->cap = c->cap ? c->cap * 2 : 1024;
    c->all = es_realloc(c->all, sizeof *c->all * c->cap);
    c->mask = c->cap * 2 - 1;
    free(c->slots);
    c->slots = es_zalloc(sizeof *c->slots * (c->mask + 1));
    for (uint32_t k = 0; k < c->n; k++) {
        uint32_t at = (uint32_t)hash(&c->all[k].key) & c->mask;
        while (c->slots[at])
            at = (at + 1) & c->mask;
        c->slots[at] = k + 1;
    }
}

static event_case *case_of(cases *c, const key *k)
{
    uint32_t at = (uint32_t)hash(k) & c->mask;
    for (; c->slots[at]; at = (at + 1) & c->mask)
        if (memcmp(&c->all[c->slots[at] - 1].key, k, sizeof *k) == 0)
            return &c->all[c->slots[at] - 1];
    if (c->n == c->cap) {
        grow(c);
        return case_of(c, k);
    }
    c->slots[at] = ++c->n;
    event_case *new = &c->all[c->n - 1];
    memset(new, 0, sizeof *new);
    new->key = *k;
    return new;
}

/* The classes of one ring's strings and processes, 0 where not looked up yet. */
typedef struct {
    uint32_t *executable, *target, *process;
} classes;

static uint32_t process_class(const es_entries *n, const es_ring *r, classes *c, uint32_t id)
{
    if (id && !c->process[id])
        c->process[id] = 1 + es_lookup_entry(&n->rules->processes, &r->processes.entries[id]);
    return c->process[id];
}

static uint32_t string_class(const es_entries *n, const es_ring *r, int of, uint32_t *found, uint32_t id)
{
    if (id && !found[id])
        found[id] = path_class(n, of, &r->strings.entries[id]);
    return found[id];
}

static void collect(const es_entries *n, es_ring *r, cases *found)
{
    int votes = (n->rules->flags & ES_INSTIGATOR_VOTES) != 0;
    grow(found);
    es_lock(r);
    classes c = {
        .executable = es_zalloc(sizeof *c.executable * r->strings.count),
        .target = es_zalloc(sizeof *c.target * r->strings.count),
        .process = es_zalloc(sizeof *c.process * r->processes.count),
    };
    uint16_t *event = es_alloc(sizeof *event * ES_MAX_EVENTS);
    for (uint32_t e = 0; e < ES_MAX_EVENTS; e++)
        event[e] = (uint16_t)(es_event_bit(e) | (n->rules->subscribe_all ? SUBSCRIBED : 0));
    for (uint32_t e = 0; e < r->nevents && !n->rules->subscribe_all; e++) {
        const es_entry *name = &r->names.entries[r->event_name[e]];
        if (r->event_name[e] && es_lookup(&n->rules->names, name->ptr, name->len))
            event[e] |= SUBSCRIBED;
    }
    /* As es_judge_begin() does. */
    for (uint32_t id = 1, count = r->strings.count; n->rules->asks_target && id < count; id++) {
        const es_entry *e = &r->strings.entries[id];
        if (id + AHEAD < count)
            __builtin_prefetch(e[AHEAD].ptr);
        if (e->refs)
            c.target[id] = path_class(n, OF_TARGET, e);
    }
    ES_EACH_EVENT(r, b, i, seq, {
        int targets = es_supports_targets(r, b->event[i]);
        key k = {
            .process = process_class(n, r, &c, b->process[i]),
            .instigator = votes ? process_class(n, r, &c, b->instigator[i]) : 0,
            .executable = string_class(n, r, OF_PATH, c.executable, b->executable[i]),
            .target1 = targets ? string_class(n, r, OF_TARGET, c.target, b->target1[i]) : 0,
            .target2 = targets ? string_class(n, r, OF_TARGET, c.target, b->target2[i]) : 0,
            .event = event[b->event[i]],
        };
        event_case *own = case_of(found, &k);
        own->events++;
        own->bytes += b->size[i];
        own->last = (int64_t)seq;
        own->last_ns = b->time_kind[i] & 2 ? b->time_ns[i] : INT64_MIN;
    })
    es_unlock(r);
    free(c.executable);
    free(c.target);
    free(c.process);
    free(event);
}

static int look_at_all(const es_entries *n, const event_case *c, thing *t)
{
    const uint32_t classes[THINGS] = {c->key.process, c->key.instigator, c->key.executable, c->key.target1,
                                      c->key.target2};
    for (int k = 0; k < THINGS; k++)
        look(n, k, classes[k], c->key.event & 255, &t[k]);
    return (c->key.event & SUBSCRIBED) != 0;
}

/* Adds what one case says. */
static void count(const es_entries *n, const event_case *c, thing *t, es_rule_hits *out)
{
    int subscribed = look_at_all(n, c, t);
    uint32_t keeper;
    int verdict = suppressed(n, t, subscribed, NONE, &keeper);
    int one_sided = t[TARGET_1].there && t[TARGET_2].there && !t[TARGET_1].count != !t[TARGET_2].count;
    EACH_MET(t, at, {
        es_rule_hits *own = &out[at];
        own->events += c->events;
        own->bytes += c->bytes;
        if (c->last > own->last) {
            own->last = c->last;
            own->last_ns = c->last_ns;
        }
        if (n->all[at].idle)
            continue;
        own->one_sided += n->all[at].of == OF_TARGET && one_sided ? c->events : 0;
        if (suppressed(n, t, subscribed, at, &keeper) != verdict) {
            own->own_events += c->events;
            own->own_bytes += c->bytes;
        }
    })
}

/* How often one rule decides in another's place: a table of pairs. */
typedef struct {
    struct instead { uint64_t pair, events; } *all; /* pair: 0 is free */
    uint64_t used, mask;
} pairs;

static struct instead *pair_of(pairs *p, uint64_t pair)
{
    uint64_t at = (pair * 0x9e3779b97f4a7c15u) >> 20 & p->mask;
    while (p->all[at].pair && p->all[at].pair != pair)
        at = (at + 1) & p->mask;
    return &p->all[at];
}

static void add_pair(pairs *p, uint64_t pair, uint64_t events)
{
    struct instead *own = pair_of(p, pair);
    if (!own->pair && ++p->used * 2 > p->mask) {
        pairs more = {.mask = p->mask * 2 + 1, .used = p->used};
        more.all = es_zalloc(sizeof *more.all * (more.mask + 1));
        for (uint64_t k = 0; k <= p->mask; k++)
            if (p->all[k].pair)
                *pair_of(&more, p->all[k].pair) = p->all[k];
        free(p->all);
        *p = more;
        own = pair_of(p, pair);
    }
    own->pair = pair;
    own->events += events;
}

/* For the rules with hits and none of their own: what decides most of these. */
static void find_keepers(const es_entries *n, const cases *found, thing *t, es_rule_hits *out)
{
    pairs p = {.mask = 1023};
    p.all = es_zalloc(sizeof *p.all * (p.mask + 1));
    for (uint32_t k = 0; k < found->n; k++) {
        int subscribed = look_at_all(n, &found->all[k], t);
        EACH_MET(t, at, {
            uint32_t keeper;
            if (n->all[at].idle || out[at].own_events)
                continue;
            suppressed(n, t, subscribed, at, &keeper);
            if (keeper != NONE)
                add_pair(&p, ((uint64_t)at + 1) << 32 | keeper, found->all[k].events);
        })
    }
    uint64_t *most = es_zalloc(sizeof *most * n->n);
    for (uint64_t k = 0; k <= p.mask; k++) {
        if (!p.all[k].pair)
            continue;
        uint32_t at = (uint32_t)(p.all[k].pair >> 32) - 1;
        int64_t keeper = (uint32_t)p.all[k].pair;
        if (p.all[k].events > most[at] || (p.all[k].events == most[at] && keeper < out[at].instead)) {
            most[at] = p.all[k].events;
            out[at].instead = keeper;
        }
    }
    free(most);
    free(p.all);
}

void es_entries_count(es_ring *r, es_entries *n, es_rule_hits *out)
{
    cases found = {0};
    thing t[THINGS];
    finish(n);
    for (int k = 0; k < THINGS; k++)
        t[k].met = es_alloc(sizeof *t[k].met * n->n);
    for (uint32_t k = 0; k < n->n; k++)
        out[k] = (es_rule_hits){.instead = -1, .last = -1, .last_ns = INT64_MIN};
    collect(n, r, &found);
    for (uint32_t k = 0; k < found.n; k++)
        count(n, &found.all[k], t, out);
    int idle = 0; /* has a rule hits and none of its own */
    for (uint32_t k = 0; k < n->n; k++)
        idle |= out[k].events && !out[k].own_events && !n->all[k].idle;
    if (idle)
        find_keepers(n, &found, t, out);
    for (int k = 0; k < THINGS; k++)
        free(t[k].met);
    free(found.all);
    free(found.slots);
}
