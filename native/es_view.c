/* Views: the rows one looks at, kept as a list of seqs that only ever grows at one end and shrinks at the other. */
#include "es_ring.h"

#include <stdio.h>

es_view *es_view_new(es_ring *r)
{
    es_view *v = es_zalloc(sizeof *v);
    v->ring = r;
    es_view_clear(v, 0);
    return v;
}

static void clear_terms(es_view *v)
{
    for (int k = 0; k < v->nterms; k++) {
        const struct es_term *t = &v->terms[k];
        if (t->field == ES_FIELD_EXECUTABLE || t->field == ES_FIELD_TARGET)
            es_forget_string(v->ring, t->id);
    }
    v->nterms = 0;
    memset(v->includes, 0, sizeof v->includes);
}

static void restart(es_view *v)
{
    v->begin = v->end = 0;
    v->next = v->origin = v->ring->tail;
    v->generation = v->ring->generation;
    v->dropped = 0;
    v->all = !v->hide && !v->nterms;
}

void es_view_clear(es_view *v, int hide_suppressed)
{
    es_lock(v->ring);
    clear_terms(v);
    v->hide = hide_suppressed;
    restart(v);
    es_unlock(v->ring);
}

void es_view_free(es_view *v)
{
    if (!v)
        return;
    es_lock(v->ring);
    clear_terms(v);
    es_unlock(v->ring);
    free(v->terms);
    free(v->rows);
    free(v);
}

void es_view_filter(es_view *v, int field, int include, const uint8_t *value, size_t len, uint64_t pid,
                    uint64_t pidversion, int has_version)
{
    es_ring *r = v->ring;
    es_lock(r);
    struct es_term t = {.field = field, .include = include, .has_version = has_version, .pid = pid};
    if (field == ES_FIELD_EVENT)
        t.id = es_event_id(r, value, len);
    else if (field == ES_FIELD_PROCESS)
        t.pidversion = pidversion;
    else { /* held by the filter, so that its id cannot come to mean another string */
        t.id = es_intern(&r->strings, value, len);
        es_judge_room(&r->judge, r->strings.count, r->processes.count);
    }
    v->terms = es_realloc(v->terms, sizeof *v->terms * (size_t)(v->nterms + 1));
    v->terms[v->nterms++] = t;
    v->includes[field] += include;
    restart(v);
    es_unlock(r);
}

static int term_matches(const struct es_term *t, const es_block *b, unsigned i)
{
    switch (t->field) {
    case ES_FIELD_EVENT:
        return b->event[i] == t->id;
    case ES_FIELD_PROCESS:
        return (b->present[i] >> ES_PID & 1) && !(b->negative[i] >> ES_PID & 1) && b->num[ES_PID][i] == t->pid &&
               (!t->has_version ||
                ((b->present[i] >> ES_PIDVERSION & 1) && !(b->negative[i] >> ES_PIDVERSION & 1) &&
                 b->num[ES_PIDVERSION][i] == t->pidversion));
    case ES_FIELD_EXECUTABLE:
        return b->executable[i] == t->id;
    default:
        return b->target1[i] == t->id || b->target2[i] == t->id;
    }
}

static int shows(const es_view *v, const es_block *b, unsigned i)
{
    int included[ES_FIELDS] = {0};
    if (b->kind[i] == ES_KIND_BAD) {
        for (int f = 0; f < ES_FIELDS; f++)
            if (v->includes[f])
                return 0;
        return 1;
    }
    if (b->kind[i] != ES_KIND_EVENT)
        return 1;
    if (v->hide && b->stage[i])
        return 0;
    for (int k = 0; k < v->nterms; k++)
        if (term_matches(&v->terms[k], b, i)) {
            if (!v->terms[k].include)
                return 0;
            included[v->terms[k].field] = 1;
        }
    for (int f = 0; f < ES_FIELDS; f++)
        if (v->includes[f] && !included[f])
            return 0;
    return 1;
}

void es_view_extend(es_view *v)
{
    es_ring *r = v->ring;
    es_lock(r);
    if (v->hide && v->generation != r->generation)
        restart(v);
    if (v->all) {
        v->dropped = r->tail - v->origin;
        v->next = r->head;
        es_unlock(r);
        return;
    }
    while (v->begin < v->end && v->rows[v->begin] < r->tail) {
        v->begin++;
        v->dropped++;
    }
    if (v->begin > 65536 && v->begin > v->end / 2) {
        memmove(v->rows, v->rows + v->begin, sizeof *v->rows * (v->end - v->begin));
        v->end -= v->begin;
        v->begin = 0;
    }
    if (v->next < r->tail)
        v->next = r->tail;
    for (size_t n = v->next < r->head ? es_segment_of(r, v->next) : r->nsegments; n < r->nsegments; n++) {
        es_segment *s = es_segment_at(r, n);
        for (uint64_t end = s->first + s->rows; v->next < end; v->next++) {
            unsigned i;
            es_block *b = es_at(s, v->next, &i);
            if (!shows(v, b, i))
                continue;
            if (v->end == v->cap) {
                v->cap = v->cap ? v->cap * 2 : 4096;
                v->rows = es_realloc(v->rows, sizeof *v->rows * v->cap);
            }
            v->rows[v->end++] = v->next;
        }
    }
    es_unlock(r);
}

/* Where the rows of a view that shows all begin: what was evicted since the last extend is still counted, so that a
 * position means the same row until then. */
static uint64_t first(const es_view *v)
{
    return v->origin + v->dropped;
}

uint64_t es_view_len(es_view *v)
{
    return v->all ? v->next - first(v) : v->end - v->begin;
}

uint64_t es_view_dropped(es_view *v)
{
    return v->dropped;
}

int64_t es_view_at(es_view *v, uint64_t position)
{
    if (position >= es_view_len(v))
        return -1;
    return (int64_t)(v->all ? first(v) + position : v->rows[v->begin + position]);
}

uint64_t es_view_index(es_view *v, uint64_t seq)
{
    uint64_t low = 0, high = es_view_len(v);
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if ((uint64_t)es_view_at(v, mid) < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint64_t es_view_seek_time(es_view *v, int64_t ns)
{
    es_ring *r = v->ring;
    uint64_t at = 0, len = es_view_len(v);
    es_lock(r);
    /* Times need not rise, so this looks at every row. */
    for (; at < len; at++) {
        uint64_t seq = (uint64_t)es_view_at(v, at);
        unsigned i;
        if (seq < r->tail)
            continue;
        es_block *b = es_at(es_segment_at(r, es_segment_of(r, seq)), seq, &i);
        if (b->kind[i] == ES_KIND_EVENT && (b->time_kind[i] & 2) && b->time_ns[i] >= ns)
            break;
    }
    es_unlock(r);
    return at;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int contains(const uint8_t *p, size_t n, const uint8_t *needle, size_t len, int fold)
{
    if (len > n)
        return 0;
    if (!fold)
        return memmem(p, n, needle, len) != NULL;
    for (const uint8_t *end = p + (n - len); p <= end; p++) {
        if (lower(*p) != needle[0])
            continue;
        size_t k = 1;
        while (k < len && lower(p[k]) == needle[k])
            k++;
        if (k == len)
            return 1;
    }
    return 0;
}

/* The needle as it may stand in a raw line: as typed, and with its slashes escaped. */
typedef struct {
    const uint8_t *plain, *escaped;
    size_t len, escaped_len;
    int fold;
    uint8_t *buf;
    size_t cap;
} finder;

static int row_contains(es_ring *r, finder *f, uint64_t seq)
{
    unsigned i;
    es_segment *s = es_segment_at(r, es_segment_of(r, seq));
    es_block *b = es_at(s, seq, &i);
    uint32_t ids[] = {b->name[i], b->executable[i], b->target1[i], b->target2[i], b->signing_id[i]};
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        const es_entry *e = &r->strings.entries[ids[k]];
        if (ids[k] && contains(e->ptr, e->len, f->plain, f->len, f->fold))
            return 1;
    }
    if (b->kind[i] == ES_KIND_EVENT) {
        const es_entry *e = &r->names.entries[r->event_name[b->event[i]]];
        if (contains(e->ptr, e->len, f->plain, f->len, f->fold))
            return 1;
        if (b->present[i] >> ES_PID & 1) {
            char pid[24];
            int n = snprintf(pid, sizeof pid, b->negative[i] >> ES_PID & 1 ? "%lld" : "%llu",
                             (unsigned long long)b->num[ES_PID][i]);
            if (contains((const uint8_t *)pid, (size_t)n, f->plain, f->len, f->fold))
                return 1;
        }
    }
    const uint8_t *raw = es_raw_of(r, s, b, i, &f->buf, &f->cap);
    return raw && (contains(raw, b->size[i], f->plain, f->len, f->fold) ||
                   (f->escaped_len != f->len && contains(raw, b->size[i], f->escaped, f->escaped_len, f->fold)));
}

int64_t es_find(es_ring *r, es_view *v, const uint8_t *needle, size_t len, int fold, int64_t start, int step,
                uint64_t limit, int64_t *resume)
{
    uint8_t *escaped = es_alloc(len * 2);
    finder f = {.plain = needle, .escaped = escaped, .len = len, .fold = fold};
    for (size_t i = 0; i < len; i++) {
        if (needle[i] == '/')
            escaped[f.escaped_len++] = '\\';
        escaped[f.escaped_len++] = needle[i];
    }
    int64_t found = -1;
    *resume = -1;
    es_lock(r);
    /* Positions in the view, or seqs themselves; both walked up or down within what is held. */
    int64_t low = v ? 0 : (int64_t)r->tail, high = v ? (int64_t)es_view_len(v) : (int64_t)r->head, at = start;
    if (v) {
        at = start < 0 ? -1 : (int64_t)es_view_index(v, (uint64_t)start);
        if (step < 0 && start >= 0 && (at >= high || es_view_at(v, (uint64_t)at) != start))
            at--;
    }
    if (step > 0 && at < low)
        at = low;
    if (step < 0 && at >= high)
        at = high - 1;
    for (uint64_t n = 0; len && at >= low && at < high; at += step, n++) {
        int64_t seq = v ? es_view_at(v, (uint64_t)at) : at;
        if (n == limit) {
            *resume = seq;
            break;
        }
        if (seq >= (int64_t)r->tail && row_contains(r, &f, (uint64_t)seq)) {
            found = seq;
            int64_t next = at + step;
            if (next >= low && next < high)
                *resume = v ? es_view_at(v, (uint64_t)next) : next;
            break;
        }
    }
    es_unlock(r);
    free(escaped);
    free(f.buf);
    return found;
}
