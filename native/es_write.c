/* Writing the lines of the ring in bulk: copied under the lock, written outside of it. */
#include "es_ring.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define BATCH (256 << 10) /* bytes gathered before they are written; more stay in no cache */
#define LINES 4096
#define LOOKED_AT 8192    /* rows under one hold of the lock */
#define PIECE (1 << 20)   /* of a long line under one hold */
#define ALL_STAGES ((1u << ES_STAGES) - 1)
#define MORE -1

/* A line gathered: its place in the buffer, where the ring has it, and how far the writing had come before it, and
 * before the gap that it shows. */
typedef struct {
    es_place before;
    uint64_t seq, lost, offset; /* lost: in that gap */
    size_t at, size; /* without its newline */
    int file, event; /* file: where its bytes are still to be read from, or -1 */
} gathered;

typedef struct {
    es_ring *ring;
    es_place *at;
    es_wrote *wrote;
    uint64_t upto, limit;
    uint32_t stages;
    uint8_t *buf;
    size_t used, cap;
    gathered *lines;
    size_t n;
} batch;

static void pass(es_place *at, int event, int delivered, uint64_t lost)
{
    at->next++;
    at->passed += (uint64_t)event;
    at->delivered += (uint64_t)delivered;
    es_add(&at->passed_lost, lost);
}

/* Is the row one that the numbers written so far do not show? */
static int needs_line(const batch *g, const es_block *b, unsigned i)
{
    if (b->kind[i] == ES_KIND_SEAM)
        return 1;
    if (b->line[i] || !es_lost_in(b, i))
        return 0;
    unsigned shard = b->shard[i];
    return g->stages != ALL_STAGES || !(shard ? g->at->shards >> (shard - 1) & 1 : (uint64_t)g->at->unsharded);
}

static void note_shard(es_place *at, const es_block *b, unsigned i)
{
    if (!(b->present[i] & ~b->negative[i] & (1 << ES_GLOBAL_SEQ_NUM | 1 << ES_SEQ_NUM)))
        return;
    if (b->shard[i])
        at->shards |= (uint64_t)1 << (b->shard[i] - 1);
    else
        at->unsharded = 1;
}

/* The rows between the place and the ring's oldest are gone. */
static int step_over(es_ring *r, es_place *at, es_wrote *wrote)
{
    wrote->gone += r->evicted - at->passed;
    wrote->gone_lost += r->evicted_lost - at->passed_lost;
    at->passed = r->evicted;
    at->passed_lost = r->evicted_lost;
    at->next = r->tail;
    return ES_WROTE_GONE;
}

static void reserve(batch *g, size_t n)
{
    if (n > g->cap) {
        g->cap = n;
        g->buf = es_realloc(g->buf, n);
    }
}

/* Copies a held line that is longer than a batch, letting others at the ring in between; 0: it was evicted meanwhile. */
static int copy_long(batch *g, uint64_t seq, size_t size)
{
    es_ring *r = g->ring;
    for (size_t done = 0;;) {
        unsigned i;
        const es_segment *s = es_segment_at(r, es_segment_of(r, seq));
        const es_block *b = es_at(s, seq, &i);
        size_t n = size - done < PIECE ? size - done : PIECE;
        memcpy(g->buf + done, s->raw + b->offset[i] + done, n);
        done += n;
        if (done == size)
            return 1;
        es_unlock(r);
        es_lock(r);
        if (seq < r->tail)
            return 0;
    }
}

/* Gathers lines until the batch is full (MORE) or a reason to stop. The lock is held. */
static int gather(batch *g)
{
    es_ring *r = g->ring;
    es_place *at = g->at;
    if (at->next < r->tail)
        return step_over(r, at, g->wrote);
    uint64_t end = g->upto < r->head ? g->upto : r->head;
    es_place before = *at; /* and before rows that only the next line will show */
    int looked = 0;
    for (; at->next < end; looked++) {
        unsigned i;
        const es_segment *s = es_segment_at(r, es_segment_of(r, at->next));
        const es_block *b = es_at(s, at->next, &i);
        int event = b->kind[i] == ES_KIND_EVENT, delivered = event && !b->stage[i];
        uint64_t lost = es_lost_in(b, i);
        if (needs_line(g, b, i))
            return ES_WROTE_ROW;
        if (!b->line[i] || (event && !(g->stages >> b->stage[i] & 1))) {
            pass(at, event, delivered, lost);
            if (b->line[i]) {
                before = *at;
                if (looked >= LOOKED_AT)
                    return MORE;
            }
            continue;
        }
        size_t size = b->size[i];
        int full = g->n == LINES || (g->n && g->used + size + 1 > g->cap);
        if (full || g->wrote->bytes + g->used + size + 1 > g->limit) {
            *at = before;
            return full ? MORE : ES_WROTE_LIMIT;
        }
        reserve(g, g->used + size + 1);
        gathered *line = &g->lines[g->n];
        line->before = before;
        line->seq = at->next;
        line->lost = at->passed_lost - before.passed_lost;
        line->offset = b->offset[i];
        line->at = g->used;
        line->size = size;
        line->file = r->streams[b->stream[i]]->file;
        line->event = event;
        if (event)
            note_shard(at, b, i);
        int whole = size > PIECE; /* such a line is alone in its batch */
        if (line->file < 0) {
            if (!whole)
                memcpy(g->buf + g->used, s->raw + b->offset[i], size);
            else if (!copy_long(g, at->next, size)) {
                *at = before;
                return step_over(r, at, g->wrote);
            }
        }
        g->buf[g->used + size] = '\n';
        g->used += size + 1;
        g->n++;
        pass(at, event, delivered, lost);
        before = *at;
        if (whole) /* and it is not copied under one hold of the lock */
            return MORE;
    }
    return ES_WROTE_ALL;
}

/* Goes back to a line gathered, which is not written, nor any after it. */
static void back_to(batch *g, size_t n)
{
    *g->at = g->lines[n].before;
    g->used = g->lines[n].at;
    g->n = n;
}

static size_t read_all(int file, uint8_t *to, size_t n, uint64_t offset)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(file, to + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

/* Reads the lines that are in files: neighbours there, which are neighbours here too, at once. Where one is no longer
 * there, the batch ends before it. */
static int read_files(batch *g, int stop)
{
    for (size_t i = 0; i < g->n;) {
        const gathered *first = &g->lines[i];
        if (first->file < 0) {
            i++;
            continue;
        }
        size_t j = i + 1;
        while (j < g->n && g->lines[j].file == first->file &&
               g->lines[j].offset - first->offset == g->lines[j].at - first->at)
            j++;
        size_t end = g->lines[j - 1].at + g->lines[j - 1].size;
        size_t got = read_all(first->file, g->buf + first->at, end - first->at, first->offset);
        for (; i < j && g->lines[i].at + g->lines[i].size - first->at <= got; i++)
            g->buf[g->lines[i].at + g->lines[i].size] = '\n';
        if (i < j) {
            const gathered *line = &g->lines[i];
            back_to(g, i);
            g->at->next = line->seq;
            pass(g->at, line->event, 0, line->lost);
            g->wrote->gone += (uint64_t)line->event;
            g->wrote->gone_lost += line->lost;
            return ES_WROTE_GONE;
        }
    }
    return stop;
}

/* Gives the bytes written, fewer than n where *error says why. */
static size_t write_all(int fd, const uint8_t *p, size_t n, int32_t *error)
{
    size_t done = 0;
    while (done < n) {
        ssize_t put = write(fd, p + done, n - done);
        if (put > 0)
            done += (size_t)put;
        else if (put == 0) {
            *error = EIO;
            break;
        } else if (errno == EAGAIN) {
            struct pollfd room = {fd, POLLOUT, 0};
            poll(&room, 1, -1);
        } else if (errno != EINTR) {
            *error = errno;
            break;
        }
    }
    return done;
}

/* What was written is held back no longer. The lock is held. */
static void move_hold(es_ring *r, const es_place *at)
{
    if (r->hold < at->next)
        r->hold = at->next;
}

void es_write(es_ring *r, es_place *at, int fd, uint64_t upto, uint32_t stages, uint64_t limit, es_wrote *wrote)
{
    batch g = {.ring = r, .at = at, .wrote = wrote, .upto = upto, .limit = limit, .stages = stages, .cap = BATCH};
    g.buf = es_alloc(g.cap);
    g.lines = es_alloc(sizeof *g.lines * LINES);
    memset(wrote, 0, sizeof *wrote);
    do {
        g.used = g.n = 0;
        es_lock(r);
        move_hold(r, at);
        int stop = gather(&g);
        es_unlock(r);
        stop = read_files(&g, stop);
        size_t done = write_all(fd, g.buf, g.used, &wrote->error), n = 0;
        for (; n < g.n && g.lines[n].at + g.lines[n].size < done; n++) {
            wrote->events += (uint64_t)g.lines[n].event;
            wrote->bytes += g.lines[n].size + 1;
            wrote->lines++;
        }
        if (n < g.n)
            back_to(&g, n);
        wrote->stop = wrote->error ? ES_WROTE_ERROR : stop;
        if (g.cap > BATCH) { /* a long line's memory is given back after it */
            free(g.buf);
            g.cap = BATCH;
            g.buf = es_alloc(g.cap);
        }
    } while (wrote->stop == MORE);
    es_lock(r);
    move_hold(r, at);
    es_unlock(r);
    free(g.buf);
    free(g.lines);
}

void es_write_from(es_ring *r, es_place *at, uint64_t seq)
{
    memset(at, 0, sizeof *at);
    es_lock(r);
    at->next = r->tail;
    at->passed = r->evicted;
    at->passed_lost = r->evicted_lost;
    while (at->next < r->head && at->next < seq) {
        unsigned i;
        const es_block *b = es_at(es_segment_at(r, es_segment_of(r, at->next)), at->next, &i);
        pass(at, b->kind[i] == ES_KIND_EVENT, 0, es_lost_in(b, i));
    }
    es_unlock(r);
}

void es_hold(es_ring *r, int64_t seq, int drop)
{
    es_lock(r);
    r->hold = seq < 0 ? UINT64_MAX : (uint64_t)seq;
    r->hold_drops = drop && seq >= 0;
    es_unlock(r);
}
