/* Streams: bytes to lines, lines to rows, and what their sequence numbers say was lost. */
#include "es_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT 15            /* ES_EVENT_TYPE_NOTIFY_EXIT */
#define AUTHENTICATION 111 /* ES_EVENT_TYPE_NOTIFY_AUTHENTICATION */
#define CHUNK (1 << 20)
#define SMALL (8 << 20)          /* a stream's buffer above this counts against the budget */
#define HOLD (64 << 10)          /* input taken under one hold of the lock */
#define KEPT_OF_LONG (64 << 10)  /* of a line longer than half the budget */

int es_add_stream(es_ring *r, int owned, int fd)
{
    es_stream *s = es_zalloc(sizeof *s);
    s->started = s->owned = owned;
    s->file = -1;
    if (fd >= 0)
        s->file = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    s->wake = -1;
    es_lock(r);
    r->streams = es_realloc(r->streams, sizeof *r->streams * (size_t)(r->nstreams + 1));
    r->streams[r->nstreams] = s;
    int n = r->nstreams++;
    es_unlock(r);
    return n;
}

static void numbers_free(es_numbers *n)
{
    free(n->last);
    free(n->has_last);
}

void es_stream_free(es_stream *s)
{
    if (s->file >= 0)
        close(s->file);
    free(s->buf);
    numbers_free(&s->numbers);
    for (int n = 0; n < ES_SHARDS; n++)
        if (s->shards[n]) {
            numbers_free(s->shards[n]);
            free(s->shards[n]);
        }
    free(s);
}

static es_stream *stream_of(es_ring *r, int stream)
{
    es_lock(r);
    es_stream *s = stream >= 0 && stream < r->nstreams ? r->streams[stream] : NULL;
    es_unlock(r);
    return s;
}

int es_is_owned(es_ring *r, int stream)
{
    es_stream *s = stream_of(r, stream);
    es_lock(r);
    int owned = s && s->owned;
    es_unlock(r);
    return owned;
}

/* Room for n bytes more, and for the newline and the padding behind them. */
static void reserve(es_stream *s, size_t n)
{
    if (s->begin) {
        memmove(s->buf, s->buf + s->begin, s->end - s->begin);
        s->seen -= s->begin;
        s->end -= s->begin;
        s->begin = 0;
    }
    size_t need = s->end + n + 1 + ES_PAD;
    if (need > s->cap || (s->cap > SMALL && need < SMALL)) { /* a long line's memory is given back after it */
        s->cap = need < SMALL ? need * 2 : need + need / 4;
        s->buf = es_realloc(s->buf, s->cap);
    }
}

static uint8_t *scratch(es_ring *r, size_t n)
{
    if (n + ES_PAD > r->scratch_cap) {
        r->scratch_cap = (n + ES_PAD) * 2;
        r->scratch = es_realloc(r->scratch, r->scratch_cap);
    }
    return r->scratch;
}

static uint32_t intern_span(es_ring *r, es_span t)
{
    if (!t.ptr)
        return 0;
    if (!t.escaped)
        return es_intern(&r->strings, t.ptr, t.len);
    uint8_t *out = scratch(r, t.len);
    return es_intern(&r->strings, out, es_unescape(out, t));
}

/* A directory and a name in it; a directory that ends in a slash needs no other. */
static uint32_t intern_joined(es_ring *r, es_span dir, es_span name)
{
    uint8_t *out = scratch(r, (size_t)dir.len + name.len + 1 + ES_PAD);
    size_t n = es_unescape(out, dir);
    if (!n || out[n - 1] != '/')
        out[n++] = '/';
    n += es_unescape(out + n, name);
    return es_intern(&r->strings, out, n);
}

static uint32_t intern_target(es_ring *r, const es_line *line, const es_target *t)
{
    for (int arm = 0; arm < 2 && t->slot[arm] >= 0; arm++) {
        es_span path = line->slot[t->slot[arm]];
        if (t->name[arm] < 0) {
            if (path.ptr)
                return intern_span(r, path);
        } else if (path.ptr && line->slot[t->name[arm]].ptr)
            return intern_joined(r, path, line->slot[t->name[arm]]);
    }
    return 0;
}

static int has_process(const es_token *t)
{
    return t->pid.present && t->pidversion.present;
}

static uint32_t intern_process(es_ring *r, const es_token *t)
{
    uint64_t key[2] = {t->pid.value, t->pidversion.value};
    return has_process(t) ? es_intern(&r->processes, (const uint8_t *)key, sizeof key) : 0;
}

/* The second process that votes under macOS 27's rule. */
static uint32_t intern_role(es_ring *r, const es_line *line, uint32_t event, int role)
{
    if (role == ES_ROLE_NONE)
        return 0;
    for (int arm = 0; event == AUTHENTICATION && arm < ES_ARMS; arm++) {
        if (has_process(&line->arm[arm]))
            return intern_process(r, &line->arm[arm]);
        if (has_process(&line->arm_token[arm]))
            return intern_process(r, &line->arm_token[arm]);
    }
    return intern_process(r, has_process(&line->role[role]) ? &line->role[role] : &line->role_token[role]);
}

/* es_row's time_kind. A time with escapes may be of another length, so it is not to be rebuilt. */
static int time_of(es_span time, int64_t *ns)
{
    *ns = 0;
    int kind = es_time(time, ns);
    return kind == 7 && time.escaped ? 3 : kind;
}

static void put_int(es_block *b, unsigned i, int column, es_int v)
{
    if (v.present) {
        b->num[column][i] = v.value;
        b->present[i] |= (uint8_t)(1 << column);
        b->negative[i] |= (uint8_t)(v.negative << column);
    }
}

static void begin_anew(es_numbers *n)
{
    if (n->has_last)
        memset(n->has_last, 0, n->nlast);
    n->has_global = 0;
    n->unexplained = 0;
}

/* The number of a shard + 1, or 0 where it is none. */
static unsigned shard_of(es_int v)
{
    return v.present && !v.negative && v.value < ES_SHARDS ? (unsigned)v.value + 1 : 0;
}

/* The numbers that an event of this shard carries on. */
static es_numbers *numbers_of(es_ring *r, es_stream *s, unsigned shard)
{
    if (!shard)
        return &s->numbers;
    r->losses.shards |= (uint64_t)1 << (shard - 1);
    es_numbers **n = &s->shards[shard - 1];
    if (!*n)
        *n = es_zalloc(sizeof **n);
    return *n;
}

static void count_loss(es_ring *r, int owned, unsigned shard, uint64_t n)
{
    es_add(owned ? &r->losses.lost : &r->losses.missing, n);
    if (shard)
        es_add(&r->losses.by_shard[shard - 1], n);
}

/* Reads the sequence numbers of the next event and adds the rows they call for. */
static void track_loss(es_ring *r, int stream, const es_line *line, uint32_t event, uint32_t name, int time_kind,
                       int64_t ns, unsigned shard)
{
    int owned = r->streams[stream]->owned;
    es_numbers *s = numbers_of(r, r->streams[stream], shard);
    uint64_t global = 0, type = 0;
    int run = 0;
    unsigned i;
    if (line->global_seq_num.present && !line->global_seq_num.negative) {
        uint64_t g = line->global_seq_num.value;
        if (s->has_global && g <= s->global) {
            run = 1;
            begin_anew(s);
        } else if (s->has_global)
            global = g - s->global - 1;
        s->has_global = 1;
        s->global = g;
    }
    if (line->seq_num.present && !line->seq_num.negative && event != ES_MAX_EVENTS - 1) {
        uint64_t n = line->seq_num.value;
        if (event >= s->nlast) {
            uint32_t want = event < ES_UNKNOWN ? ES_UNKNOWN : event * 2;
            s->last = es_realloc(s->last, sizeof *s->last * want);
            s->has_last = es_realloc(s->has_last, want);
            memset(s->has_last + s->nlast, 0, want - s->nlast);
            s->nlast = want;
        }
        if (s->has_last[event] && n > s->last[event])
            type = n - s->last[event] - 1;
        s->has_last[event] = 1;
        s->last[event] = n;
    }
    if (run) {
        es_block *b = es_append(r, ES_KIND_RUN, stream, NULL, 0, &i);
        b->time_kind[i] = (uint8_t)time_kind; /* that of the event behind it */
        b->time_ns[i] = ns;
        b->shard[i] = (uint8_t)shard;
    }
    count_loss(r, owned, shard, global);
    es_add(&(owned ? r->lost : r->missing)[event], type);
    es_add(&s->unexplained, global);
    uint64_t shown = type;
    if (type <= s->unexplained) {
        s->unexplained -= type;
        if (!global)
            shown = 0; /* part of a gap that has its row already */
    } else
        s->unexplained = 0;
    if (!global && !shown)
        return;
    es_block *b = es_append(r, ES_KIND_GAP, stream, NULL, 0, &i);
    b->num[0][i] = global;
    b->num[1][i] = shown;
    b->reason[i] = owned ? ES_GAP_OWNED : 0;
    b->shard[i] = (uint8_t)shard;
    b->event[i] = (uint16_t)event;
    b->time_kind[i] = (uint8_t)time_kind; /* that of the event behind it, which showed it */
    b->time_ns[i] = ns;
    if (name && shown) {
        b->name[i] = name;
        r->strings.entries[name].refs++;
    }
}

static void tally(es_ring *r, uint32_t id)
{
    if (id >= r->ntallies) {
        uint32_t want = id * 2 + 1024;
        r->tallies = es_realloc(r->tallies, sizeof *r->tallies * want);
        memset(r->tallies + r->ntallies, 0, sizeof *r->tallies * (want - r->ntallies));
        r->ntallies = want;
    }
    if (!r->tallies[id]++)
        r->strings.entries[id].refs++; /* counted for good, so kept for good */
}

static void add_bad(es_ring *r, int stream, const uint8_t *p, size_t len, uint64_t offset, int reason, uint64_t size)
{
    unsigned i;
    int indexed = r->streams[stream]->file >= 0;
    es_block *b = es_append(r, ES_KIND_BAD, stream, indexed ? NULL : p, len, &i);
    if (indexed)
        b->offset[i] = offset;
    b->line[i] = r->streams[stream]->lines;
    b->reason[i] = (uint8_t)reason;
    b->num[0][i] = size;
    r->bad++;
}

/* A line of estui's own, which was found to be no event; says if it is one. */
static int add_own(es_ring *r, int stream, const es_line *line, const uint8_t *p, size_t len, uint64_t offset)
{
    static const uint8_t RECORDING[] = "recording of ";
    es_stream *s = r->streams[stream];
    es_own own;
    int what = es_read_own(p, &own);
    if (what == ES_OWN_NONE)
        return 0;
    unsigned i, shard = shard_of(own.shard);
    es_block *b = es_append(r, what == ES_OWN_LOSS ? ES_KIND_GAP : ES_KIND_SEAM, stream, s->file >= 0 ? NULL : p, len,
                            &i);
    if (s->file >= 0)
        b->offset[i] = offset;
    b->line[i] = s->lines;
    b->time_kind[i] = (uint8_t)time_of(line->time, &b->time_ns[i]);
    b->shard[i] = (uint8_t)shard;
    if (what == ES_OWN_LOSS) {
        if (shard)
            numbers_of(r, s, shard);
        count_loss(r, 1, shard, own.lost.value);
        r->losses.unknown += (uint64_t)own.unknown;
        b->num[0][i] = own.lost.value;
        b->reason[i] = ES_GAP_OWNED | (own.unknown ? ES_GAP_UNKNOWN : 0);
    } else if (shard)
        begin_anew(numbers_of(r, s, shard));
    else {
        begin_anew(&s->numbers);
        for (int n = 0; n < ES_SHARDS; n++)
            if (s->shards[n])
                begin_anew(s->shards[n]);
    }
    if (what == ES_OWN_RECORDING) {
        s->owned = s->started || own.whole;
        size_t before = sizeof RECORDING - 1, n = own.words.ptr ? own.words.len : 0;
        uint8_t *out = scratch(r, before + n);
        memcpy(out, RECORDING, before);
        b->name[i] = n ? es_intern(&r->strings, out, before + es_unescape(out + before, own.words))
                       : es_intern(&r->strings, RECORDING, before - 4);
    } else if (own.words.ptr && own.words.len)
        b->name[i] = intern_span(r, own.words);
    es_judge_room(&r->judge, r->strings.count, r->processes.count);
    return 1;
}

/* A time that can be read has at most 30 characters, each at most six bytes of JSON. */
static void note_time(es_span time, uint8_t words[31], int64_t *at, int64_t ns)
{
    uint8_t text[6 * 30 + ES_PAD];
    size_t n = es_unescape(text, time);
    memcpy(words, text, n);
    words[n] = 0;
    *at = ns;
}

/* The line at p, which a newline ends within room bytes; gives its length. cut: the reason if it is not JSON, for a
 * stream that stopped in it. */
static size_t add_line(es_ring *r, int stream, const uint8_t *p, size_t room, uint64_t offset, int cut)
{
    es_stream *s = r->streams[stream];
    es_line line;
    s->lines++;
    r->lines++;
    size_t len = (size_t)(r->scan(p, room, r->ends, &line) - p);
    if (len > r->budget / 2) {
        add_bad(r, stream, p, KEPT_OF_LONG < len ? KEPT_OF_LONG : len, offset, ES_BAD_LONG, len);
        return len;
    }
    if (line.reason == ES_BAD_NO_EVENT && add_own(r, stream, &line, p, len, offset))
        return len;
    if (line.reason) {
        add_bad(r, stream, p, len, offset, line.reason == ES_BAD_JSON ? cut : line.reason, len);
        return len;
    }
    const uint8_t *name = line.name.ptr;
    size_t name_len = line.name.len;
    if (line.name.escaped) {
        uint8_t *out = scratch(r, name_len);
        name_len = es_unescape(out, line.name);
        name = out;
    }
    uint32_t event = es_event_id(r, name, name_len);
    uint32_t name_id = event >= ES_UNKNOWN ? es_intern(&r->strings, name, name_len) : 0;
    int64_t ns;
    int time_kind = time_of(line.time, &ns);
    unsigned shard = shard_of(line.shard);
    track_loss(r, stream, &line, event, name_id, time_kind, ns, shard);

    unsigned i;
    int indexed = s->file >= 0;
    es_block *b = es_append(r, ES_KIND_EVENT, stream, indexed ? NULL : p, len, &i);
    if (indexed)
        b->offset[i] = offset;
    b->line[i] = s->lines;
    b->shard[i] = (uint8_t)shard;
    b->event[i] = (uint16_t)event;
    b->name[i] = name_id;
    b->time_kind[i] = (uint8_t)time_kind;
    b->time_ns[i] = ns;
    put_int(b, i, ES_EVENT_TYPE, line.event_type);
    put_int(b, i, ES_SEQ_NUM, line.seq_num);
    put_int(b, i, ES_GLOBAL_SEQ_NUM, line.global_seq_num);
    put_int(b, i, ES_PID, line.token.pid);
    put_int(b, i, ES_PIDVERSION, line.token.pidversion);
    put_int(b, i, ES_EUID, line.token.euid);
    put_int(b, i, ES_PPID, line.ppid);
    b->executable[i] = intern_span(r, line.executable);
    b->signing_id[i] = intern_span(r, line.signing_id);
    b->process[i] = intern_process(r, &line.token);
    if (event < ES_UNKNOWN) {
        const es_event_def *def = &r->defs[event];
        if (def->targets)
            b->target1[i] = intern_target(r, &line, &def->target[0]);
        if (def->targets == 2) {
            uint32_t second = intern_target(r, &line, &def->target[1]);
            *(b->target1[i] ? &b->target2[i] : &b->target1[i]) = second;
        }
        b->instigator[i] = intern_role(r, &line, event, def->role);
        if (event == EXIT && b->process[i])
            r->processes.entries[b->process[i]].flag = 1;
    }
    if (r->tally && b->executable[i])
        tally(r, b->executable[i]);
    es_judge_room(&r->judge, r->strings.count, r->processes.count);
    es_subject subject;
    es_subject_of(b, i, &subject);
    int stage = es_decide(&r->judge, &r->strings, &r->processes, &subject, es_supports_targets(r, event));
    b->stage[i] = (uint8_t)stage;
    r->by_stage[stage]++;
    r->suppressed[event] += stage != 0;
    r->total[event]++;
    r->held[event]++;
    r->held_events++;
    r->events++;
    if (time_kind & 2) {
        if (r->first_ns == INT64_MIN || ns < r->first_ns)
            note_time(line.time, r->first_time, &r->first_ns, ns);
        if (r->last_ns == INT64_MIN || ns > r->last_ns)
            note_time(line.time, r->last_time, &r->last_ns, ns);
    }
    if (r->max_events)
        es_evict(r);
    return len;
}

/* The lock, after any reader that waits for it. */
static void writer_lock(es_ring *r)
{
    for (int i = 0; i < 1000 && atomic_load(&r->waiting); i++)
        sched_yield();
    pthread_mutex_lock(&r->lock);
}

/* Do the rows that are held back fill half the budget? */
static int is_crowded(es_ring *r)
{
    if (r->hold == UINT64_MAX || r->hold >= r->head)
        return 0;
    uint64_t bytes = 0;
    for (size_t n = es_segment_of(r, r->hold); n < r->nsegments; n++) {
        const es_segment *s = es_segment_at(r, n);
        bytes += s->used + s->nblocks * sizeof(es_block);
    }
    return bytes > r->budget / 2;
}

/* The lock, once those that hold rows back have taken enough of them. */
static void wait_for_room(es_ring *r, es_stream *s)
{
    writer_lock(r);
    while (is_crowded(r) && !atomic_load(&s->stopping)) {
        es_unlock(r);
        usleep(500);
        writer_lock(r);
    }
}

/* Takes every whole line that is pending. */
static void take_lines(es_ring *r, int stream, es_stream *s)
{
    size_t limit = r->budget / 2 < SIZE_MAX / 4 ? (size_t)(r->budget / 2) : SIZE_MAX / 4;
    size_t held = 0;
    wait_for_room(r, s);
    r->pending_bytes -= s->charged;
    s->charged = s->cap > SMALL ? s->cap : 0;
    r->pending_bytes += s->charged;
    size_t last = s->end; /* past the last newline: what comes before it are whole lines */
    while (last > s->seen && s->buf[last - 1] != '\n')
        last--;
    while (last > s->seen && s->begin < last) {
        uint8_t *p = s->buf + s->begin;
        size_t room = last - s->begin, len;
        if (s->skipped) {
            len = (size_t)((uint8_t *)memchr(p, '\n', room) - p);
            s->lines++;
            r->lines++;
            add_bad(r, stream, p, KEPT_OF_LONG < len ? KEPT_OF_LONG : len, s->offset, ES_BAD_LONG, s->skipped + len);
            s->offset += s->skipped;
            s->skipped = 0;
        } else
            len = add_line(r, stream, p, room, s->offset, ES_BAD_JSON);
        s->begin += len + 1;
        s->offset += len + 1;
        held += len + 1;
        if (held >= HOLD) {
            es_unlock(r);
            held = 0;
            wait_for_room(r, s);
        }
    }
    es_unlock(r);
    s->seen = s->end;
    /* A line past the limit keeps its beginning; the rest only counts. */
    if ((s->skipped || s->end - s->begin > limit) && s->end - s->begin > KEPT_OF_LONG) {
        s->skipped += s->end - s->begin - KEPT_OF_LONG;
        s->end = s->seen = s->begin + KEPT_OF_LONG;
    }
}

void es_ingest(es_ring *r, int stream, const uint8_t *data, size_t len, int64_t offset)
{
    es_stream *s = stream_of(r, stream);
    if (!s)
        return;
    if (offset >= 0)
        s->offset = (uint64_t)offset - (s->end - s->begin) - s->skipped;
    es_lock(r);
    r->read_bytes += len;
    es_unlock(r);
    while (len) {
        size_t n = len < CHUNK ? len : CHUNK;
        reserve(s, n);
        memcpy(s->buf + s->end, data, n);
        s->end += n;
        data += n;
        len -= n;
        take_lines(r, stream, s);
    }
}

static void finish_line(es_ring *r, int stream, int broken)
{
    es_stream *s = stream_of(r, stream);
    if (!s || (s->begin == s->end && !s->skipped))
        return;
    reserve(s, 0);
    s->buf[s->end] = '\n';
    size_t len = s->end - s->begin;
    writer_lock(r);
    if (s->skipped || broken) {
        s->lines++;
        r->lines++;
        add_bad(r, stream, s->buf, len, s->offset, s->skipped ? ES_BAD_LONG : ES_BAD_CUT, s->skipped + len);
    } else
        add_line(r, stream, s->buf, len + 1, s->offset, ES_BAD_CUT);
    es_unlock(r);
    s->offset += s->skipped + len;
    s->skipped = 0;
    s->begin = s->seen = s->end = 0;
}

void es_end(es_ring *r, int stream)
{
    finish_line(r, stream, 0);
}

void es_break_line(es_ring *r, int stream)
{
    finish_line(r, stream, 1);
}

void es_stop(es_ring *r, int stream)
{
    es_stream *s = stream_of(r, stream);
    if (!s)
        return;
    es_lock(r);
    atomic_store(&s->stopping, 1);
    if (s->wake >= 0 && write(s->wake, "", 1) < 0)
        perror("estui: waking a reader"); /* one byte in a pipe of its own: there is always room */
    es_unlock(r);
}

static int run(es_ring *r, int stream, int fd, int regular, int wake)
{
    es_stream *s = stream_of(r, stream);
    if (s->file >= 0 && s->begin == s->end) {
        off_t at = lseek(fd, 0, SEEK_CUR);
        if (at < 0)
            return errno;
        s->offset = (uint64_t)at;
    }
    for (;;) {
        if (atomic_load(&s->stopping))
            return -1;
        if (!regular) {
            struct pollfd fds[2] = {{fd, POLLIN, 0}, {wake, POLLIN, 0}};
            if (poll(fds, 2, -1) < 0 && errno != EINTR)
                return errno;
            if (fds[0].revents & POLLNVAL)
                return EBADF;
            if (!fds[0].revents)
                continue;
        }
        reserve(s, CHUNK);
        ssize_t n = read(fd, s->buf + s->end, CHUNK);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return errno;
        }
        if (n == 0)
            break;
        s->end += (size_t)n;
        es_lock(r);
        r->read_bytes += (uint64_t)n;
        es_unlock(r);
        take_lines(r, stream, s);
        /* Lines trickling in one by one would wake this thread for each; 200 us leave a pipe of 64 KiB far from full
         * at any rate seen, while 2 ms would cap it at 10,000 events a second. */
        if (!regular && n < 4096)
            usleep(200);
    }
    es_end(r, stream);
    return 0;
}

int es_run(es_ring *r, int stream, int fd)
{
    es_stream *s = stream_of(r, stream);
    struct stat st;
    int wake[2];
    if (!s)
        return EBADF;
    if (fstat(fd, &st) < 0 || pipe(wake) < 0) /* in this order: a closed fd's number would go to the pipe */
        return errno;
    for (int i = 0; i < 2; i++)
        fcntl(wake[i], F_SETFD, FD_CLOEXEC);
    es_lock(r);
    s->wake = wake[1];
    es_unlock(r);
    int result = run(r, stream, fd, S_ISREG(st.st_mode), wake[0]);
    es_lock(r);
    s->wake = -1;
    es_unlock(r);
    close(wake[0]);
    close(wake[1]);
    return result;
}
