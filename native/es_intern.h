/* A table of distinct byte strings with small stable ids, counted references and cheap growth. */
#ifndef ES_INTERN_H
#define ES_INTERN_H

#include "es_text.h"

#define ES_ENTRY_COST 48 /* what one string costs beside its bytes: entry, slot, allocation */

typedef struct {
    uint8_t *ptr;
    uint32_t len, hash, refs;
    uint32_t flag; /* the owner's */
} es_entry;

typedef struct {
    uint64_t *slots; /* hash << 32 | id; 0 is free */
    uint32_t mask, used;
    es_entry *entries; /* by id; 0 is no string */
    uint32_t count, cap; /* ids handed out so far, and room */
    uint32_t *free_ids;
    uint32_t nfree, free_cap;
    uint64_t bytes;
} es_table;

void es_table_init(es_table *);
void es_table_free(es_table *);
/* The id of the string, new or not, with one reference more. */
uint32_t es_intern(es_table *, const uint8_t *ptr, size_t len);
/* The id of a string that is there, or 0; no reference. */
uint32_t es_lookup(const es_table *, const uint8_t *ptr, size_t len);
/* The same for another table's entry. */
uint32_t es_lookup_entry(const es_table *, const es_entry *);
/* One reference less; at none the string is gone and its id may be used again. Says if it went. */
int es_release(es_table *, uint32_t id);

#endif
