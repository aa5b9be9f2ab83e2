/* The ring's inside, shared by es_ring.c, es_stream.c and es_view.c. */
#ifndef ES_RING_H
#define ES_RING_H

#include <pthread.h>
#include <stdatomic.h>

#include "es_mute.h"
#include "es_scan.h"

#define ES_BLOCK 256

/* 256 rows, column by column: what judging reads stands together at the front, in runs long enough to be fetched
 * ahead. */
typedef struct {
    uint32_t executable[ES_BLOCK], process[ES_BLOCK], target1[ES_BLOCK], target2[ES_BLOCK], instigator[ES_BLOCK];
    uint16_t event[ES_BLOCK];
    uint8_t stage[ES_BLOCK], kind[ES_BLOCK];
    uint32_t name[ES_BLOCK], signing_id[ES_BLOCK], size[ES_BLOCK];
    uint64_t offset[ES_BLOCK], line[ES_BLOCK], num[ES_INTS][ES_BLOCK];
    int64_t time_ns[ES_BLOCK];
    int32_t stream[ES_BLOCK];
    uint8_t present[ES_BLOCK], negative[ES_BLOCK], time_kind[ES_BLOCK], reason[ES_BLOCK];
    uint8_t shard[ES_BLOCK]; /* its number + 1, or 0 */
} es_block;

/* Of a gap, in place of a bad line's reason. */
enum { ES_GAP_OWNED = 1, ES_GAP_UNKNOWN = 2 };

/* A run of rows and the raw lines of those that keep one. */
typedef struct {
    uint64_t first, rows; /* seq of the first row, and how many there are */
    uint8_t *raw;
    size_t used, cap;     /* of raw */
    es_block **blocks;
    uint32_t nblocks;
} es_segment;

/* A target: one of up to two alternatives, each a slot or a directory and a name. */
typedef struct {
    int8_t slot[2], name[2]; /* -1: none */
} es_target;

typedef struct {
    es_target target[2];
    uint8_t known, targets, role;
} es_event_def;

/* What was seen of the sequence numbers of a stream, or of one of its shards. */
typedef struct {
    int has_global;
    uint64_t global, unexplained; /* lost globally and not yet found in a type */
    uint64_t *last;               /* by event id */
    uint8_t *has_last;
    uint32_t nlast;
} es_numbers;

typedef struct {
    int started, owned; /* started by estui; that, or the whole of a recording */
    int file;           /* the dup of an indexed stream, or -1 */
    /* Bytes read and not yet a line. begin..end are pending; up to seen there is no newline among them. */
    uint8_t *buf;
    size_t begin, seen, end, cap;
    uint64_t offset;  /* in the stream, of buf[begin] */
    uint64_t lines;
    size_t charged;   /* of cap, counted against the budget */
    uint64_t skipped; /* bytes of a line too long, while its end has not come */
    int wake;         /* written to by es_stop() while es_run() waits, else -1 */
    atomic_int stopping;
    es_numbers numbers, *shards[ES_SHARDS]; /* a shard's: when it first occurs */
} es_stream;

struct es_ring {
    pthread_mutex_t lock;
    atomic_int waiting; /* readers at the lock: the writer lets them in */
    uint64_t budget, max_events;
    size_t segment_size;
    int tally;

    es_segment *segments; /* a circle of cap_segments, from first_segment on */
    size_t first_segment, nsegments, cap_segments;
    uint8_t *spare_raw;   /* the last segment's memory, kept for the next one */
    es_block **spare_blocks;
    size_t nspare, cap_spare;
    uint64_t nblocks, raw_bytes; /* in segments */
    uint64_t pending_bytes;      /* in large stream buffers */

    es_table strings, processes, names;
    uint64_t *tallies;  /* by string id */
    uint32_t ntallies;
    uint32_t *name_event; /* by name id */
    uint32_t nnames;
    uint32_t *event_name; /* by event id: its name id, or 0 */
    es_table directories; /* of the strings that es_directory() was asked about, a reference for each */
    uint32_t *directory;  /* by string id: its directory, or 0 */
    uint32_t ndirectory;  /* room in it */
    uint32_t nevents;     /* event ids handed out, 256 at first */
    es_event_def defs[ES_UNKNOWN];

    es_stream **streams;
    int nstreams;

    es_judge_state judge;
    uint64_t *total, *held, *suppressed, *lost, *missing; /* by event id, ES_MAX_EVENTS of them */
    uint64_t head, tail, lines, events, bad, evicted, held_events, by_stage[ES_STAGES], held_bytes, generation;
    uint64_t read_bytes, evicted_lost; /* of owned streams, in rows evicted */
    es_losses losses;
    uint64_t hold; /* rows from here on wait for es_write(); UINT64_MAX: none does */
    int hold_drops;
    int64_t first_ns, last_ns;
    uint8_t first_time[31], last_time[31];
    int64_t earliest, latest; /* of the events in rows timed_tail to timed_head */
    uint64_t timed_tail, timed_head;

    es_scanner *scan;
    uint32_t ends[ES_INDEX]; /* for the scanner to work in */
    uint8_t *scratch; /* for unescaping; scratch_cap bytes */
    size_t scratch_cap;
};

struct es_view {
    es_ring *ring;
    int hide, all; /* all: every row matches, no list is kept */
    struct es_term {
        int field, include, has_version;
        uint32_t id;       /* event id, process id or string id */
        uint64_t pid, pidversion;
    } *terms;
    int nterms, includes[ES_FIELDS];
    uint64_t *rows;
    size_t begin, end, cap;
    uint64_t next, origin, generation, dropped;
};

static inline void es_lock(es_ring *r)
{
    atomic_fetch_add(&r->waiting, 1);
    pthread_mutex_lock(&r->lock);
    atomic_fetch_sub(&r->waiting, 1);
}

static inline void es_unlock(es_ring *r)
{
    pthread_mutex_unlock(&r->lock);
}

/* Numbers in a line can be anything, so sums stop at the top instead of starting over. */
static inline void es_add(uint64_t *sum, uint64_t n)
{
    *sum = *sum + n < n ? UINT64_MAX : *sum + n;
}

/* What a row says was lost of all events. A gap of a type alone is none: where events have global numbers, these say that
 * nothing was lost there. */
static inline uint64_t es_lost_in(const es_block *b, unsigned i)
{
    return b->kind[i] == ES_KIND_GAP && (b->reason[i] & ES_GAP_OWNED) ? b->num[0][i] : 0;
}

static inline uint64_t es_memory(const es_ring *r)
{
    return r->raw_bytes + r->pending_bytes + r->nblocks * sizeof(es_block) + r->strings.bytes + r->processes.bytes;
}

/* The block and place of a row that is held. */
static inline es_block *es_at(const es_segment *s, uint64_t seq, unsigned *i)
{
    *i = (seq - s->first) & (ES_BLOCK - 1);
    return s->blocks[(seq - s->first) / ES_BLOCK];
}

static inline es_segment *es_segment_at(const es_ring *r, size_t i)
{
    return &r->segments[(r->first_segment + i) % r->cap_segments];
}

/* Index of the segment that holds the row, which must be held. */
size_t es_segment_of(const es_ring *r, uint64_t seq);
/* The event id of a name; a name not known gets one. */
uint32_t es_event_id(es_ring *, const uint8_t *name, size_t len);
/* A new row, empty but for kind, stream and its line; drops the oldest segments where the budget asks for it. */
es_block *es_append(es_ring *, int kind, int stream, const uint8_t *raw, size_t size, unsigned *i);
/* Drops the oldest rows past max_events. */
void es_evict(es_ring *);
/* One reference less to a string. */
void es_forget_string(es_ring *, uint32_t id);
/* The id in directories of a string up to its last slash. es_directory_room() comes first. */
void es_directory_room(es_ring *);
uint32_t es_new_directory(es_ring *, uint32_t string);
static inline uint32_t es_directory(es_ring *r, uint32_t string)
{
    uint32_t id = r->directory[string];
    return id ? id : es_new_directory(r, string);
}
static inline void es_subject_of(const es_block *b, unsigned i, es_subject *s)
{
    s->process_id = b->process[i];
    s->executable = b->executable[i];
    s->target1 = b->target1[i];
    s->target2 = b->target2[i];
    s->instigator = b->instigator[i];
    s->event = b->event[i];
}
static inline int es_supports_targets(const es_ring *r, uint32_t event)
{
    return event < ES_UNKNOWN && r->defs[event].targets;
}
/* The rules, ready to be asked about every string, process and event type of the ring; es_judge_clear() when done. */
es_judge_state es_judge_begin(es_ring *, es_rules *);
/* Bytes of a row's line: a pointer into the segment, or read into *buf (grown as needed); NULL when gone. */
const uint8_t *es_raw_of(es_ring *, const es_segment *, const es_block *, unsigned i, uint8_t **buf, size_t *cap);
void es_stream_free(es_stream *);

/* The block after that of a row that is held, or its own where there is none. */
static inline const es_block *es_after(const es_ring *r, size_t segment, uint64_t seq)
{
    const es_segment *s = es_segment_at(r, segment);
    uint64_t at = (seq - s->first) / ES_BLOCK;
    if (at + 1 < s->nblocks)
        return s->blocks[at + 1];
    const es_segment *next = segment + 1 < r->nsegments ? es_segment_at(r, segment + 1) : s;
    return next->nblocks ? next->blocks[0] : s->blocks[at];
}

/* What judging reads of a block, to be fetched while the block before it is read: line by line of 64 bytes. */
#define ES_FRONT (offsetof(es_block, name) / 64)
static inline void es_fetch(const es_block *b, unsigned line)
{
    if (line < ES_FRONT)
        __builtin_prefetch((const uint8_t *)b + (size_t)line * 64);
}

/* Calls body with every event held: block, place in it, and seq. */
#define ES_EACH_EVENT(r, b, i, seq, ...)                                          \
    for (size_t _n = 0; _n < (r)->nsegments; _n++) {                              \
        es_segment *_s = es_segment_at(r, _n);                                    \
        uint64_t seq = (r)->tail > _s->first ? (r)->tail : _s->first;             \
        uint64_t _end = _s->first + _s->rows;                                     \
        while (seq < _end) {                                                      \
            unsigned i;                                                           \
            es_block *b = es_at(_s, seq, &i);                                     \
            const es_block *_after = es_after(r, _n, seq);                        \
            unsigned _stop = _end - seq < ES_BLOCK - i ? (unsigned)(_end - seq) + i : ES_BLOCK; \
            for (; i < _stop; i++, seq++) {                                       \
                es_fetch(_after, i);                                              \
                if (b->kind[i] == ES_KIND_EVENT)                                  \
                    __VA_ARGS__                                                   \
            }                                                                     \
        }                                                                         \
    }

#endif
