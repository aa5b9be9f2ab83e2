#include "es_intern.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

/* The seed keeps whoever chooses file names from choosing collisions too. It is one for all tables, so that a string's
 * hash in one serves to look it up in another. */
static void set_seed(void)
{
    seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)time(NULL);
    FILE *f = fopen("/dev/urandom", "rb");
    if (f) {
        uint64_t more;
        if (fread(&more, sizeof more, 1, f) == 1)
            seed ^= more;
        fclose(f);
    }
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 r = (unsigned __int128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static inline uint64_t load8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint64_t load4(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* The last bytes are read in pieces of a fixed size that overlap: a copy of a size not known costs more than the rest. */
static uint32_t hash(const uint8_t *p, size_t len)
{
    const uint64_t k0 = 0x9e3779b97f4a7c15u, k1 = 0xd6e8feb86659fd93u;
    uint64_t h = seed ^ (len * k0), a = 0, b = 0;
    const uint8_t *end = p + len;
    for (; end - p > 16; p += 16)
        h = mix(load8(p) ^ k0 ^ h, load8(p + 8) ^ k1);
    if (end - p >= 8) {
        a = load8(p);
        b = load8(end - 8);
    } else if (end - p >= 4) {
        a = load4(p);
        b = load4(end - 4);
    } else if (end > p)
        a = (uint64_t)p[0] << 16 | (uint64_t)p[(end - p) / 2] << 8 | end[-1];
    h = mix(h ^ a ^ k0, b ^ k1);
    h = mix(h ^ k1, k0);
    return (uint32_t)(h ^ h >> 32);
}

void es_table_init(es_table *t)
{
    pthread_once(&seeded, set_seed);
    memset(t, 0, sizeof *t);
    t->mask = (1u << 12) - 1;
    t->slots = es_zalloc(sizeof *t->slots * (t->mask + 1));
    t->cap = 1024;
    t->entries = es_zalloc(sizeof *t->entries * t->cap);
    t->count = 1;
}

void es_table_free(es_table *t)
{
    for (uint32_t i = 1; i < t->count; i++)
        free(t->entries[i].ptr);
    free(t->slots);
    free(t->entries);
    free(t->free_ids);
}

static void grow(es_table *t)
{
    uint32_t mask = t->mask * 2 + 1;
    uint64_t *slots = es_zalloc(sizeof *slots * ((size_t)mask + 1));
    for (size_t i = 0; i <= t->mask; i++) {
        if (!t->slots[i])
            continue;
        uint32_t at = (uint32_t)(t->slots[i] >> 32) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->mask = mask;
}

/* The slot that holds the string, or the free one where it would go. */
static inline uint32_t find(const es_table *t, const uint8_t *ptr, size_t len, uint32_t h)
{
    uint32_t at = h & t->mask;
    for (uint64_t s; (s = t->slots[at]); at = (at + 1) & t->mask) {
        if ((uint32_t)(s >> 32) != h)
            continue;
        const es_entry *e = &t->entries[(uint32_t)s];
        if (e->len == len && memcmp(e->ptr, ptr, len) == 0)
            break;
    }
    return at;
}

uint32_t es_lookup(const es_table *t, const uint8_t *ptr, size_t len)
{
    return (uint32_t)t->slots[find(t, ptr, len, hash(ptr, len))];
}

uint32_t es_lookup_entry(const es_table *t, const es_entry *e)
{
    return (uint32_t)t->slots[find(t, e->ptr, e->len, e->hash)];
}

uint32_t es_intern(es_table *t, const uint8_t *ptr, size_t len)
{
    uint32_t h = hash(ptr, len), at = find(t, ptr, len, h), id = (uint32_t)t->slots[at];
    if (id) {
        t->entries[id].refs++;
        return id;
    }
    if (t->used * 4 >= t->mask * 3) {
        grow(t);
        at = find(t, ptr, len, h);
    }
    if (t->nfree)
        id = t->free_ids[--t->nfree];
    else {
        if (t->count == t->cap) {
            t->cap *= 2;
            t->entries = es_realloc(t->entries, sizeof *t->entries * t->cap);
            memset(t->entries + t->count, 0, sizeof *t->entries * (t->cap - t->count));
        }
        id = t->count++;
    }
    es_entry *e = &t->entries[id];
    e->ptr = es_alloc(len);
    memcpy(e->ptr, ptr, len);
    e->len = (uint32_t)len;
    e->hash = h;
    e->refs = 1;
    e->flag = 0;
    t->slots[at] = (uint64_t)h << 32 | id;
    t->used++;
    t->bytes += len + ES_ENTRY_COST;
    return id;
}

int es_release(es_table *t, uint32_t id)
{
    es_entry *e = &t->entries[id];
    if (--e->refs)
        return 0;
    uint32_t at = e->hash & t->mask;
    while ((uint32_t)t->slots[at] != id)
        at = (at + 1) & t->mask;
    /* Linear probing without tombstones: close the hole with whatever probed past it. */
    for (uint32_t next = (at + 1) & t->mask; t->slots[next]; next = (next + 1) & t->mask) {
        uint32_t home = (uint32_t)(t->slots[next] >> 32) & t->mask;
        if (((next - home) & t->mask) >= ((next - at) & t->mask)) {
            t->slots[at] = t->slots[next];
            at = next;
        }
    }
    t->slots[at] = 0;
    t->used--;
    t->bytes -= e->len + (uint64_t)ES_ENTRY_COST;
    free(e->ptr);
    e->ptr = NULL;
    if (t->nfree == t->free_cap) {
        t->free_cap = t->free_cap ? t->free_cap * 2 : 1024;
        t->free_ids = es_realloc(t->free_ids, sizeof *t->free_ids * t->free_cap);
    }
    t->free_ids[t->nfree++] = id;
    return 1;
}
