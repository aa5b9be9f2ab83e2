/* The ring: segments of rows, the oldest dropped first, and what it answers about them. */
#include "es_ring.h"

#include <errno.h>
#include <unistd.h>

#define MIN_SEGMENT (64 << 10)
#define MAX_SEGMENT (4 << 20)
#define MAX_SEGMENT_ROWS 32768
#define NO_STREAM -1    /* of a seam */
#define SPARE_BLOCKS 16 /* what a segment of 2 KB lines frees, the next one takes */

es_ring *es_ring_new(uint64_t budget, uint64_t max_events, int tally)
{
    es_ring *r = es_zalloc(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->scan = es_best_scanner();
    r->budget = budget;
    r->max_events = max_events;
    r->tally = tally;
    uint64_t size = budget / 16;
    r->segment_size = size < MIN_SEGMENT ? MIN_SEGMENT : size > MAX_SEGMENT ? MAX_SEGMENT : (size_t)size;
    r->cap_segments = 64;
    r->segments = es_zalloc(sizeof *r->segments * r->cap_segments);
    es_table_init(&r->strings);
    es_table_init(&r->processes);
    es_table_init(&r->names);
    es_table_init(&r->directories);
    r->nevents = ES_UNKNOWN;
    r->event_name = es_zalloc(sizeof *r->event_name * ES_MAX_EVENTS);
    r->total = es_zalloc(sizeof *r->total * ES_MAX_EVENTS);
    r->held = es_zalloc(sizeof *r->held * ES_MAX_EVENTS);
    r->suppressed = es_zalloc(sizeof *r->suppressed * ES_MAX_EVENTS);
    r->lost = es_zalloc(sizeof *r->lost * ES_MAX_EVENTS);
    r->missing = es_zalloc(sizeof *r->missing * ES_MAX_EVENTS);
    r->first_ns = r->last_ns = INT64_MIN;
    r->hold = UINT64_MAX;
    es_judge(r, es_rules_new(0, 1));
    r->generation = 0;
    return r;
}

static void segment_free(es_segment *s)
{
    for (uint32_t i = 0; i < s->nblocks; i++)
        free(s->blocks[i]);
    free(s->blocks);
    free(s->raw);
}

void es_ring_free(es_ring *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->nsegments; i++)
        segment_free(es_segment_at(r, i));
    for (int i = 0; i < r->nstreams; i++)
        es_stream_free(r->streams[i]);
    for (size_t i = 0; i < r->nspare; i++)
        free(r->spare_blocks[i]);
    es_table_free(&r->strings);
    es_table_free(&r->processes);
    es_table_free(&r->directories);
    free(r->directory);
    es_table_free(&r->names);
    es_rules_free(r->judge.rules);
    es_judge_clear(&r->judge);
    void *arrays[] = {r->segments, r->spare_raw, r->spare_blocks, r->tallies, r->name_event, r->event_name, r->streams,
                      r->total, r->held, r->suppressed, r->lost, r->missing, r->scratch};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* "a" or "a+/+b", len bytes. */
static int parse_path(const char *p, size_t len, int8_t *slot, int8_t *name)
{
    for (size_t i = 0; i + 3 <= len; i++)
        if (memcmp(p + i, "+/+", 3) == 0) {
            *slot = (int8_t)es_slot(p, i);
            *name = (int8_t)es_slot(p + i + 3, len - i - 3);
            return *slot >= 0 && *name >= 0;
        }
    *slot = (int8_t)es_slot(p, len);
    *name = -1;
    return *slot >= 0;
}

static int parse_targets(const char *p, es_event_def *def)
{
    for (int n = 0; *p; n++) {
        if (n == 2)
            return 0;
        memset(&def->target[n], -1, sizeof def->target[n]);
        for (int arm = 0;; arm++) {
            size_t len = strcspn(p, "|;");
            if (arm == 2 || !parse_path(p, len, &def->target[n].slot[arm], &def->target[n].name[arm]))
                return 0;
            p += len;
            if (*p != '|')
                break;
            p++;
        }
        def->targets = (uint8_t)(n + 1);
        if (*p == ';')
            p++;
    }
    return 1;
}

static uint32_t name_id(es_ring *r, const uint8_t *name, size_t len, uint32_t event)
{
    uint32_t id = es_intern(&r->names, name, len);
    if (id >= r->nnames) {
        uint32_t want = id * 2 + 256;
        r->name_event = es_realloc(r->name_event, sizeof *r->name_event * want);
        r->nnames = want;
    }
    r->name_event[id] = event;
    r->event_name[event] = id;
    return id;
}

int es_define_event(es_ring *r, int number, const char *name, const char *targets, int role)
{
    es_event_def def = {0};
    if (number < 0 || number >= ES_UNKNOWN_BIT || !parse_targets(targets, &def))
        return -1;
    def.known = 1;
    def.role = (uint8_t)role;
    es_lock(r);
    r->defs[number] = def;
    name_id(r, (const uint8_t *)name, strlen(name), (uint32_t)number);
    es_unlock(r);
    return 0;
}

uint32_t es_event_id(es_ring *r, const uint8_t *name, size_t len)
{
    uint32_t id = es_lookup(&r->names, name, len);
    if (id)
        return r->name_event[id];
    if (r->nevents == ES_MAX_EVENTS - 1)
        return ES_MAX_EVENTS - 1;
    uint32_t event = r->nevents++;
    name_id(r, name, len, event);
    const es_rules *rules = r->judge.rules;
    r->judge.subscribed[event] = rules->subscribe_all || es_lookup(&rules->names, name, len);
    return event;
}

size_t es_segment_of(const es_ring *r, uint64_t seq)
{
    size_t low = 0, high = r->nsegments;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (es_segment_at(r, mid)->first <= seq)
            low = mid;
        else
            high = mid;
    }
    return low;
}

void es_forget_string(es_ring *r, uint32_t id)
{
    if (!id || !es_release(&r->strings, id))
        return;
    r->judge.path_class[id] = r->judge.target_class[id] = ES_UNSET;
    if (id < r->ndirectory && r->directory[id]) {
        es_release(&r->directories, r->directory[id]);
        r->directory[id] = 0;
    }
}

void es_directory_room(es_ring *r)
{
    if (r->strings.count <= r->ndirectory)
        return;
    uint32_t want = r->strings.count + r->strings.count / 2 + 1024;
    r->directory = es_realloc(r->directory, sizeof *r->directory * want);
    memset(r->directory + r->ndirectory, 0, sizeof *r->directory * (want - r->ndirectory));
    r->ndirectory = want;
}

uint32_t es_new_directory(es_ring *r, uint32_t string)
{
    const es_entry *e = &r->strings.entries[string];
    size_t len = e->len;
    while (len && e->ptr[len - 1] != '/')
        len--;
    return r->directory[string] = es_intern(&r->directories, e->ptr, len);
}

/* Takes one row, the oldest, off every count it stands in. */
static void forget(es_ring *r, const es_segment *s, uint64_t seq)
{
    unsigned i;
    es_block *b = es_at(s, seq, &i);
    if (b->kind[i] == ES_KIND_EVENT) {
        uint32_t event = b->event[i];
        r->evicted++;
        r->held_events--;
        r->held[event]--;
        r->by_stage[b->stage[i]]--;
        if (b->stage[i])
            r->suppressed[event]--;
    }
    es_add(&r->evicted_lost, es_lost_in(b, i));
    if (b->line[i] && r->streams[b->stream[i]]->file < 0)
        r->held_bytes -= b->size[i];
    es_forget_string(r, b->executable[i]);
    es_forget_string(r, b->target1[i]);
    es_forget_string(r, b->target2[i]);
    es_forget_string(r, b->name[i]);
    es_forget_string(r, b->signing_id[i]);
    for (int k = 0; k < 2; k++) {
        uint32_t id = k ? b->instigator[i] : b->process[i];
        if (id && es_release(&r->processes, id))
            r->judge.process_class[id] = ES_UNSET;
    }
}

static void drop_segment(es_ring *r)
{
    es_segment *s = es_segment_at(r, 0);
    for (; r->tail < s->first + s->rows; r->tail++)
        forget(r, s, r->tail);
    for (uint32_t i = 0; i < s->nblocks; i++) {
        if (r->nspare == r->cap_spare) {
            r->cap_spare = r->cap_spare ? r->cap_spare * 2 : 256;
            r->spare_blocks = es_realloc(r->spare_blocks, sizeof *r->spare_blocks * r->cap_spare);
        }
        r->spare_blocks[r->nspare++] = s->blocks[i];
    }
    r->nblocks -= s->nblocks;
    while (r->nspare > SPARE_BLOCKS)
        free(r->spare_blocks[--r->nspare]);
    free(s->blocks);
    r->raw_bytes -= s->cap;
    if (s->cap == r->segment_size && !r->spare_raw)
        r->spare_raw = s->raw;
    else
        free(s->raw);
    r->first_segment = (r->first_segment + 1) % r->cap_segments;
    r->nsegments--;
}

/* Drops the oldest until room bytes more stay within the budget. */
static void make_room(es_ring *r, size_t room)
{
    /* An indexed file keeps only records, and those are not what the budget is for. */
    while (r->nsegments > 1 && r->held_bytes && es_memory(r) + room > r->budget)
        drop_segment(r);
    for (es_segment *s; r->hold_drops && r->nsegments > 1; drop_segment(r)) {
        s = es_segment_at(r, 0);
        if (s->first + s->rows > r->hold)
            break;
    }
}

void es_evict(es_ring *r)
{
    while (r->max_events && r->held_events > r->max_events) {
        es_segment *s = es_segment_at(r, 0);
        forget(r, s, r->tail++);
        if (r->tail == s->first + s->rows && r->nsegments > 1)
            drop_segment(r);
    }
}

static es_segment *new_segment(es_ring *r)
{
    if (r->nsegments == r->cap_segments) {
        es_segment *all = es_alloc(sizeof *all * r->cap_segments * 2);
        for (size_t i = 0; i < r->nsegments; i++)
            all[i] = *es_segment_at(r, i);
        free(r->segments);
        r->segments = all;
        r->first_segment = 0;
        r->cap_segments *= 2;
    }
    es_segment *s = es_segment_at(r, r->nsegments++);
    memset(s, 0, sizeof *s);
    s->first = r->head;
    return s;
}

es_block *es_append(es_ring *r, int kind, int stream, const uint8_t *raw, size_t size, unsigned *i)
{
    es_segment *s = r->nsegments ? es_segment_at(r, r->nsegments - 1) : NULL;
    if (!s || s->rows == MAX_SEGMENT_ROWS || (raw && s->raw && s->cap - s->used < size)) {
        /* Make room first, so that the new segment never stands on top of a full budget. */
        make_room(r, raw ? (size > r->segment_size ? size : r->segment_size) : 0);
        s = new_segment(r);
    }
    if (raw && !s->raw) {
        s->cap = size > r->segment_size ? size : r->segment_size;
        s->used = 0;
        if (s->cap == r->segment_size && r->spare_raw) {
            s->raw = r->spare_raw;
            r->spare_raw = NULL;
        } else
            s->raw = es_alloc(s->cap);
        r->raw_bytes += s->cap;
    }
    if (s->rows / ES_BLOCK == s->nblocks) {
        if ((s->nblocks & (s->nblocks - 1)) == 0)
            s->blocks = es_realloc(s->blocks, sizeof *s->blocks * (s->nblocks ? s->nblocks * 2 : 1));
        s->blocks[s->nblocks++] = r->nspare ? r->spare_blocks[--r->nspare] : es_alloc(sizeof(es_block));
        r->nblocks++;
    }
    es_block *b = es_at(s, s->first + s->rows, i);
    unsigned at = *i;
    b->executable[at] = b->process[at] = b->target1[at] = b->target2[at] = b->instigator[at] = 0;
    b->name[at] = b->signing_id[at] = 0;
    b->event[at] = 0;
    b->stage[at] = b->present[at] = b->negative[at] = b->time_kind[at] = b->reason[at] = b->shard[at] = 0;
    b->kind[at] = (uint8_t)kind;
    b->stream[at] = stream;
    b->size[at] = (uint32_t)size;
    b->line[at] = b->offset[at] = 0;
    for (int k = 0; k < ES_INTS; k++)
        b->num[k][at] = 0;
    if (raw) {
        memcpy(s->raw + s->used, raw, size);
        b->offset[at] = s->used;
        s->used += size;
        r->held_bytes += size;
    }
    s->rows++;
    r->head++;
    return b;
}

uint64_t es_mark(es_ring *r, const uint8_t *words, size_t len)
{
    unsigned i;
    es_lock(r);
    uint64_t seq = r->head;
    es_block *b = es_append(r, ES_KIND_SEAM, NO_STREAM, NULL, 0, &i);
    b->name[i] = es_intern(&r->strings, words, len);
    es_judge_room(&r->judge, r->strings.count, r->processes.count);
    es_unlock(r);
    return seq;
}

void es_get_counters(es_ring *r, es_counters *c)
{
    es_lock(r);
    c->head = r->head;
    c->tail = r->tail;
    c->lines = r->lines;
    c->events = r->events;
    c->bad = r->bad;
    c->evicted = r->evicted;
    c->held_events = r->held_events;
    memcpy(c->by_stage, r->by_stage, sizeof c->by_stage);
    c->held_bytes = r->held_bytes;
    c->string_bytes = r->strings.bytes;
    c->memory = es_memory(r);
    c->generation = r->generation;
    c->read_bytes = r->read_bytes;
    c->first_ns = r->first_ns;
    c->last_ns = r->last_ns;
    memcpy(c->first_time, r->first_time, sizeof c->first_time);
    memcpy(c->last_time, r->last_time, sizeof c->last_time);
    es_unlock(r);
}

void es_get_losses(es_ring *r, es_losses *out)
{
    es_lock(r);
    *out = r->losses;
    es_unlock(r);
}

int64_t es_row_get(es_ring *r, uint64_t seq, es_row *out, uint8_t *buf, size_t cap)
{
    es_lock(r);
    if (seq < r->tail || seq >= r->head) {
        es_unlock(r);
        return -1;
    }
    unsigned i;
    es_block *b = es_at(es_segment_at(r, es_segment_of(r, seq)), seq, &i);
    memset(out, 0, sizeof *out);
    out->seq = seq;
    out->line = b->line[i];
    out->size = b->size[i];
    out->kind = b->kind[i];
    out->event = -1;
    out->stream = b->stream[i];
    out->owned = out->stream < 0 || r->streams[out->stream]->owned;
    out->time_kind = b->time_kind[i];
    out->time_ns = b->time_ns[i];
    out->shard = b->shard[i] - 1;
    if (out->kind == ES_KIND_GAP) {
        out->owned = b->reason[i] & ES_GAP_OWNED;
        out->unknown = (b->reason[i] & ES_GAP_UNKNOWN) != 0;
        out->gap_global = b->num[0][i];
        out->gap_type = b->num[1][i];
        if (out->gap_type)
            out->event = b->event[i];
    } else if (out->kind == ES_KIND_BAD) {
        out->reason = b->reason[i];
        if (out->reason == ES_BAD_LONG)
            out->size = b->num[0][i];
    } else if (out->kind == ES_KIND_EVENT) {
        out->event = b->event[i];
        out->stage = b->stage[i];
        out->present = b->present[i];
        out->negative = b->negative[i];
        for (int k = 0; k < ES_INTS; k++)
            out->num[k] = b->num[k][i];
    }
    uint32_t ids[ES_TEXTS] = {b->name[i], b->executable[i], b->signing_id[i], b->target1[i], b->target2[i]};
    size_t need = 0;
    for (int k = 0; k < ES_TEXTS; k++) {
        const es_entry *e = &r->strings.entries[ids[k]];
        out->text_len[k] = ids[k] ? (int64_t)e->len : -1;
        if (ids[k]) {
            if (need + e->len <= cap)
                memcpy(buf + need, e->ptr, e->len);
            need += e->len;
        }
    }
    es_unlock(r);
    return (int64_t)need;
}

const uint8_t *es_raw_of(es_ring *r, const es_segment *s, const es_block *b, unsigned i, uint8_t **buf, size_t *cap)
{
    if (!b->line[i])
        return NULL;
    int file = r->streams[b->stream[i]]->file;
    size_t size = b->size[i];
    if (file < 0)
        return s->raw + b->offset[i];
    if (size > *cap) {
        *buf = es_realloc(*buf, size);
        *cap = size;
    }
    for (size_t got = 0; got < size;) {
        ssize_t n = pread(file, *buf + got, size - got, (off_t)(b->offset[i] + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return NULL;
        got += (size_t)n;
    }
    return *buf;
}

int64_t es_raw_get(es_ring *r, uint64_t seq, uint8_t *buf, size_t cap)
{
    int64_t result = -1;
    es_lock(r);
    if (seq >= r->tail && seq < r->head) {
        unsigned i;
        es_segment *s = es_segment_at(r, es_segment_of(r, seq));
        es_block *b = es_at(s, seq, &i);
        size_t size = b->size[i];
        if (b->line[i]) {
            result = (int64_t)size;
            if (size <= cap && size) {
                uint8_t *own = buf;
                size_t own_cap = cap;
                const uint8_t *raw = es_raw_of(r, s, b, i, &own, &own_cap);
                if (!raw)
                    result = -1;
                else if (raw != buf)
                    memcpy(buf, raw, size);
            }
        }
    }
    es_unlock(r);
    return result;
}

int es_event_slots(es_ring *r)
{
    es_lock(r);
    int n = (int)(r->total[ES_MAX_EVENTS - 1] ? ES_MAX_EVENTS : r->nevents);
    es_unlock(r);
    return n;
}

int64_t es_event_get(es_ring *r, int slot, es_event_count *out, uint8_t *buf, size_t cap)
{
    int64_t need = -1;
    es_lock(r);
    if (slot >= 0 && slot < ES_MAX_EVENTS && (r->total[slot] || r->lost[slot] || r->missing[slot])) {
        out->total = r->total[slot];
        out->held = r->held[slot];
        out->suppressed = r->suppressed[slot];
        out->lost = r->lost[slot];
        out->missing = r->missing[slot];
        out->event = slot;
        const es_entry *e = &r->names.entries[r->event_name[slot]];
        need = (int64_t)e->len;
        if (e->len && e->len <= cap)
            memcpy(buf, e->ptr, e->len);
    }
    es_unlock(r);
    return need;
}

int64_t es_tally_get(es_ring *r, uint32_t *cursor, uint64_t *count, uint8_t *buf, size_t cap)
{
    int64_t need = -1;
    es_lock(r);
    uint32_t id = *cursor;
    while (++id < r->ntallies && !r->tallies[id])
        ;
    if (id < r->ntallies) {
        const es_entry *e = &r->strings.entries[id];
        need = (int64_t)e->len;
        if (e->len <= cap) { /* else the caller comes again, for the same one */
            memcpy(buf, e->ptr, e->len);
            *count = r->tallies[id];
            *cursor = id;
        }
    }
    es_unlock(r);
    return need;
}

int es_exited(es_ring *r, uint64_t pid, uint64_t pidversion)
{
    uint64_t key[2] = {pid, pidversion};
    es_lock(r);
    uint32_t id = es_lookup(&r->processes, (const uint8_t *)key, sizeof key);
    int exited = id && r->processes.entries[id].flag;
    es_unlock(r);
    return exited;
}
