/* Two sets of rules side by side over the events held: what each delivers, by type, process, program and directory. */
#include "es_ring.h"

#define CHUNK 4096 /* rows whose changes are counted together */

typedef uint64_t pair __attribute__((vector_size(16))); /* events and bytes: one addition for both */

/* A group's figures by what the two say: 1 the first suppresses, 2 the second does. A cache line. */
typedef struct {
    pair by[4];
} cell;

struct es_comparison {
    es_compared total;
    es_group *groups[ES_GROUPINGS];
    uint8_t *text[ES_GROUPINGS];
    uint8_t *code;                       /* of each row: where it stands in a cell; rows that are no event: 0 */
    struct chunk { uint64_t before[4]; } *chunks; /* changes before it, by what they are */
};

/* What the groups of one kind are made of. */
typedef struct {
    const es_ring *r;
    int by;
    const cell *cells;
    const uint32_t *name; /* of a group: the string its text is; of a process: its latest program */
} source;

typedef struct {
    uint64_t changed, held;
    uint32_t at;
} candidate;

static const es_entry *text_of(const source *s, uint32_t at)
{
    const es_ring *r = s->r;
    if (s->by == ES_BY_EVENT)
        return &r->names.entries[at < r->nevents ? r->event_name[at] : 0];
    if (s->by == ES_BY_DIRECTORY)
        return &r->directories.entries[at];
    return &r->strings.entries[s->name[at]];
}

static int has_text(const source *s, uint32_t at)
{
    return s->by == ES_BY_EVENT || s->by == ES_BY_DIRECTORY || s->name[at];
}

static int compare_text(const source *s, uint32_t a, uint32_t b)
{
    int has = has_text(s, a) - has_text(s, b);
    const es_entry *x = text_of(s, a), *y = text_of(s, b);
    size_t common = x->len < y->len ? x->len : y->len;
    if (has || !common)
        return has ? has : (x->len > y->len) - (x->len < y->len);
    int c = memcmp(x->ptr, y->ptr, common);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static int compare_keys(const source *s, uint32_t a, uint32_t b)
{
    if (s->by != ES_BY_PROCESS || !a || !b)
        return s->by == ES_BY_PROCESS ? (a != 0) - (b != 0) : compare_text(s, a, b);
    uint64_t x[2], y[2];
    memcpy(x, s->r->processes.entries[a].ptr, sizeof x);
    memcpy(y, s->r->processes.entries[b].ptr, sizeof y);
    for (int k = 0; k < 2; k++)
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    return 0;
}

/* Whether a goes before b: by changes, then events, then in the order of their keys. */
static int before(const source *s, const candidate *a, const candidate *b)
{
    if (a->changed != b->changed)
        return a->changed > b->changed;
    if (a->held != b->held)
        return a->held > b->held;
    return compare_keys(s, a->at, b->at) < 0;
}

/* Of a heap whose root is the last in order. */
static void sink(const source *s, candidate *heap, uint64_t n, uint64_t at)
{
    for (uint64_t child; (child = at * 2 + 1) < n; at = child) {
        if (child + 1 < n && before(s, &heap[child], &heap[child + 1]))
            child++;
        if (!before(s, &heap[at], &heap[child]))
            return;
        candidate swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

/* The first top of the groups, in order, with their texts. */
static void choose(es_comparison *c, const source *s, uint32_t from, uint32_t count, uint64_t top)
{
    uint64_t n = 0, found = 0, room = top < count ? top : count;
    candidate *heap = es_alloc(sizeof *heap * room);
    for (uint32_t at = from; at < count; at++) {
        const pair *by = s->cells[at].by;
        candidate new = {.changed = by[1][0] + by[2][0], .at = at};
        new.held = new.changed + by[0][0] + by[3][0];
        if (!new.held)
            continue;
        found++;
        if (n < room) {
            heap[n++] = new;
            if (n == room)
                for (uint64_t k = n / 2; k-- > 0;)
                    sink(s, heap, n, k);
        } else if (n && before(s, &new, &heap[0])) {
            heap[0] = new;
            sink(s, heap, n, 0);
        }
    }
    for (uint64_t k = n / 2; n < room && k-- > 0;)
        sink(s, heap, n, k);
    for (uint64_t left = n; left > 1;) {
        candidate last = heap[--left];
        heap[left] = heap[0];
        heap[0] = last;
        sink(s, heap, left, 0);
    }
    size_t bytes = 0;
    for (uint64_t k = 0; k < n; k++)
        bytes += text_of(s, heap[k].at)->len;
    es_group *groups = c->groups[s->by] = es_zalloc(sizeof *groups * n);
    uint8_t *text = c->text[s->by] = es_alloc(bytes);
    for (uint64_t k = 0; k < n; k++) {
        es_group *g = &groups[k];
        uint32_t at = heap[k].at;
        for (int code = 0; code < 4; code++) {
            g->events[code] = s->cells[at].by[code][0];
            g->bytes[code] = s->cells[at].by[code][1];
        }
        const es_entry *e = text_of(s, at);
        g->text_len = has_text(s, at) ? (int64_t)e->len : -1;
        if (e->len)
            memcpy(text, e->ptr, e->len);
        text += e->len;
        if (s->by == ES_BY_PROCESS && at) {
            uint64_t key[2];
            memcpy(key, s->r->processes.entries[at].ptr, sizeof key);
            g->pid = key[0];
            g->pidversion = key[1];
            g->known = 1;
        }
    }
    c->total.found[s->by] = found;
    c->total.shown[s->by] = n;
    c->total.text_bytes[s->by] = bytes;
    free(heap);
}

static void count_chunks(es_comparison *c)
{
    uint64_t n = c->total.rows / CHUNK + 1, before[4] = {0};
    c->chunks = es_alloc(sizeof *c->chunks * n);
    for (uint64_t k = 0; k < n; k++) {
        memcpy(c->chunks[k].before, before, sizeof before);
        uint64_t end = (k + 1) * CHUNK < c->total.rows ? (k + 1) * CHUNK : c->total.rows;
        uint32_t hidden = 0, shown = 0;
        for (uint64_t row = k * CHUNK; row < end; row++) {
            shown += c->code[row] == ES_NEWLY_DELIVERED;
            hidden += c->code[row] == ES_NEWLY_SUPPRESSED;
        }
        before[ES_NEWLY_DELIVERED] += shown;
        before[ES_NEWLY_SUPPRESSED] += hidden;
    }
}

/* Figures that grow as places in them are asked for. */
typedef struct {
    cell *cells;
    uint32_t room;
} figures;

static figures figures_for(uint32_t room)
{
    return (figures){es_zalloc(sizeof(cell) * room), room};
}

static void reach(figures *f, uint32_t at)
{
    if (at < f->room)
        return;
    uint32_t room = at * 2;
    f->cells = es_realloc(f->cells, sizeof *f->cells * room);
    memset(f->cells + f->room, 0, sizeof *f->cells * (room - f->room));
    f->room = room;
}

/* What the way through the rows fills. */
typedef struct {
    figures events, processes, programs, directories;
    uint32_t *latest;       /* by process: the executable of its last event */
    uint32_t *program;      /* by string: its place in programs, or 0 */
    uint32_t *program_name; /* by that place: the string */
    uint32_t nevents, nprograms, room;
    uint64_t by_stage[ES_STAGES];
} sums;

static uint32_t program_of(sums *s, uint32_t string)
{
    uint32_t at = s->program[string];
    if (at || !string)
        return at;
    at = s->program[string] = s->nprograms++;
    if (at == s->room) {
        s->room *= 2;
        s->program_name = es_realloc(s->program_name, sizeof *s->program_name * s->room);
    }
    s->program_name[at] = string;
    reach(&s->programs, at);
    return at;
}

/* The earliest and the latest time of the events held. Rows seen before are not read again while none went. */
static void look_at_times(es_ring *r)
{
    if (r->timed_tail != r->tail || !r->timed_head) {
        r->timed_tail = r->timed_head = r->tail;
        r->earliest = INT64_MAX;
        r->latest = INT64_MIN;
    }
    for (size_t n = r->timed_head < r->head ? es_segment_of(r, r->timed_head) : r->nsegments; n < r->nsegments; n++) {
        const es_segment *s = es_segment_at(r, n);
        for (uint64_t end = s->first + s->rows; r->timed_head < end; r->timed_head++) {
            unsigned i;
            const es_block *b = es_at(s, r->timed_head, &i);
            if (b->kind[i] != ES_KIND_EVENT || !(b->time_kind[i] & 2))
                continue;
            r->earliest = b->time_ns[i] < r->earliest ? b->time_ns[i] : r->earliest;
            r->latest = b->time_ns[i] > r->latest ? b->time_ns[i] : r->latest;
        }
    }
}

/* The rows [from, to) of a block. */
static void add_rows(es_ring *r, const es_block *b, const es_block *next, unsigned from, unsigned to,
                     const es_judge_state *now, const es_judge_state *then, sums *s, uint8_t *codes)
{
    cell *events = s->events.cells, *processes = s->processes.cells;
    uint32_t *latest = s->latest, last_event = s->nevents - 1;
    uint64_t *by_stage = s->by_stage;
    int votes = (then->rules->flags | (now ? now->rules->flags : 0)) & ES_INSTIGATOR_VOTES;
    for (unsigned i = from; i < to; i++) {
        es_fetch(next, i);
        if (i % 16 == 0)
            __builtin_prefetch(&next->size[i]);
        codes[i - from] = 0;
        if (b->kind[i] != ES_KIND_EVENT)
            continue;
        es_subject own = {b->process[i], b->executable[i], b->target1[i], b->target2[i], 0, b->event[i]};
        if (votes)
            own.instigator = b->instigator[i];
        int targets = es_supports_targets(r, own.event);
        int stage = es_decide(then, &r->strings, &r->processes, &own, targets);
        int was = now ? es_decide(now, &r->strings, &r->processes, &own, targets) : b->stage[i];
        unsigned code = (was != 0) | (unsigned)(stage != 0) << 1;
        codes[i - from] = (uint8_t)code;
        by_stage[stage]++;
        pair add = {1, b->size[i]};
        events[own.event < last_event ? own.event : last_event].by[code] += add;
        processes[own.process_id].by[code] += add;
        latest[own.process_id] = own.executable;
        s->programs.cells[program_of(s, own.executable)].by[code] += add;
        if (own.target1) {
            uint32_t one = es_directory(r, own.target1), other = own.target2 ? es_directory(r, own.target2) : one;
            reach(&s->directories, one > other ? one : other);
            s->directories.cells[one].by[code] += add;
            if (other != one)
                s->directories.cells[other].by[code] += add;
        }
    }
}

es_comparison *es_compare(es_ring *r, es_rules *now, es_rules *then, uint64_t top)
{
    es_comparison *c = es_zalloc(sizeof *c);
    if (now)
        es_rules_finish(now);
    es_rules_finish(then);
    es_lock(r);
    es_judge_state first = {0}, second = es_judge_begin(r, then);
    if (now)
        first = es_judge_begin(r, now);
    es_directory_room(r);
    c->total.first = r->tail;
    c->total.rows = r->head - r->tail;
    c->code = es_alloc(c->total.rows);
    sums s = {
        .events = figures_for(r->nevents + 1), /* the last for all further names */
        .processes = figures_for(r->processes.count),
        .programs = figures_for(1024),
        .directories = figures_for(1024),
        .latest = es_zalloc(sizeof *s.latest * r->processes.count),
        .program = es_zalloc(sizeof *s.program * r->strings.count),
        .program_name = es_zalloc(sizeof *s.program_name * 1024),
        .nevents = r->nevents + 1,
        .nprograms = 1,
        .room = 1024,
    };
    for (size_t n = 0; n < r->nsegments; n++) {
        const es_segment *segment = es_segment_at(r, n);
        uint64_t seq = r->tail > segment->first ? r->tail : segment->first, end = segment->first + segment->rows;
        while (seq < end) {
            unsigned i;
            const es_block *b = es_at(segment, seq, &i);
            unsigned to = end - seq < ES_BLOCK - i ? (unsigned)(end - seq) + i : ES_BLOCK;
            const es_block *next = es_after(r, n, seq);
            add_rows(r, b, next, i, to, now ? &first : NULL, &second, &s, c->code + (seq - r->tail));
            seq += to - i;
        }
    }
    for (uint32_t e = 0; e < s.nevents; e++)
        for (int code = 0; code < 4; code++) {
            c->total.events[code] += s.events.cells[e].by[code][0];
            c->total.bytes[code] += s.events.cells[e].by[code][1];
        }
    memcpy(c->total.by_stage, s.by_stage, sizeof s.by_stage);
    look_at_times(r);
    c->total.first_ns = r->earliest <= r->latest ? r->earliest : INT64_MIN;
    c->total.last_ns = r->latest;
    choose(c, &(source){r, ES_BY_EVENT, s.events.cells, NULL}, 0, s.nevents, s.nevents);
    choose(c, &(source){r, ES_BY_PROCESS, s.processes.cells, s.latest}, 0, r->processes.count, top);
    choose(c, &(source){r, ES_BY_EXECUTABLE, s.programs.cells, s.program_name}, 0, s.nprograms, top);
    uint32_t reached = r->directories.count < s.directories.room ? r->directories.count : s.directories.room;
    choose(c, &(source){r, ES_BY_DIRECTORY, s.directories.cells, NULL}, 1, reached, top);
    es_unlock(r);
    count_chunks(c);
    es_judge_clear(&first);
    es_judge_clear(&second);
    free(s.events.cells);
    free(s.processes.cells);
    free(s.programs.cells);
    free(s.directories.cells);
    free(s.latest);
    free(s.program);
    free(s.program_name);
    return c;
}

void es_comparison_free(es_comparison *c)
{
    if (!c)
        return;
    for (int by = 0; by < ES_GROUPINGS; by++) {
        free(c->groups[by]);
        free(c->text[by]);
    }
    free(c->code);
    free(c->chunks);
    free(c);
}

void es_comparison_total(const es_comparison *c, es_compared *out)
{
    *out = c->total;
}

void es_comparison_groups(const es_comparison *c, int by, es_group *groups, uint8_t *text)
{
    memcpy(groups, c->groups[by], sizeof *groups * c->total.shown[by]);
    memcpy(text, c->text[by], c->total.text_bytes[by]);
}

/* Changes of the kinds asked for that stand before a chunk. */
static uint64_t changes_before(const es_comparison *c, unsigned kinds, uint64_t chunk)
{
    const uint64_t *before = c->chunks[chunk].before;
    return (kinds & 1u << ES_NEWLY_DELIVERED ? before[ES_NEWLY_DELIVERED] : 0) +
           (kinds & 1u << ES_NEWLY_SUPPRESSED ? before[ES_NEWLY_SUPPRESSED] : 0);
}

uint64_t es_comparison_changes(const es_comparison *c, unsigned kinds, uint64_t start, uint64_t limit, uint64_t *out)
{
    uint64_t low = 0, high = c->total.rows / CHUNK, n = 0; /* the last chunk that begins at or before start */
    while (low < high) {
        uint64_t mid = low + (high - low + 1) / 2;
        if (changes_before(c, kinds, mid) <= start)
            low = mid;
        else
            high = mid - 1;
    }
    uint64_t at = changes_before(c, kinds, low);
    kinds &= 1u << ES_NEWLY_DELIVERED | 1u << ES_NEWLY_SUPPRESSED;
    for (uint64_t row = low * CHUNK; row < c->total.rows && n < limit; row++)
        if (kinds >> c->code[row] & 1 && at++ >= start)
            out[n++] = (c->total.first + row) << 1 | (c->code[row] == ES_NEWLY_SUPPRESSED);
    return n;
}
