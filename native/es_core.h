/* The manual of estui's core: one ring of Endpoint Security events read from eslogger-shaped JSON lines.
 *
 * A ring takes lines from any number of streams, keeps one packed record per row and the raw line (or its place in a
 * file), judges each event against the compiled rules, and answers questions about what it holds. estui/_twin.py is
 * the same in plain Python and the two must never differ.
 *
 * Threads. Every function may be called from any thread at any time, except that one stream has one writer, that a
 * view has one user, and that nothing may follow es_ring_free(). es_run() holds the ring's lock for at most 64 KiB of
 * input at a time, and lets a waiting reader in between.
 *
 * Memory. A ring owns all it points to; results are copied out. Where a result is text, the caller passes a buffer,
 * and gets the bytes needed: when that is more than it offered, nothing was copied and it calls again.
 *
 * estui's own lines. An object without an event whose "estui" is "loss" (with "lost": a count or null, and "why") is a
 * gap of an owned stream; one with "mark" (and "words") or "recording" (and "source") is a seam after which the
 * stream's numbers, or those of its "shard", begin anew. "recording" with "whole": true makes the stream owned until
 * the next such line. All are lines, but neither events nor bad. Another object without an event is a bad line.
 *
 * Shards. "estui_shard" (0 to 63) in an event says whose numbers it carries: each shard of a stream has its own.
 *
 * Errors. Allocation failure ends the process, as it would in Python's own small allocations; every other failure is
 * in the result. No length in the input is ever trusted.
 */
#ifndef ES_CORE_H
#define ES_CORE_H

#include <stddef.h>
#include <stdint.h>

typedef struct es_ring es_ring;
typedef struct es_rules es_rules;
typedef struct es_view es_view;

enum { ES_KIND_EVENT, ES_KIND_BAD, ES_KIND_GAP, ES_KIND_SEAM, ES_KIND_RUN };
enum {
    ES_BAD_NONE, ES_BAD_EMPTY, ES_BAD_JSON, ES_BAD_NOT_OBJECT, ES_BAD_NO_EVENT, ES_BAD_EVENT, ES_BAD_LONG, ES_BAD_CUT
};
enum { ES_STAGE_DELIVERED, ES_STAGE_SUBSCRIPTION, ES_STAGE_PROCESS, ES_STAGE_PATH, ES_STAGE_TARGET_PATH, ES_STAGES };
enum { ES_INVERT_PROCESS = 1, ES_INVERT_PATH = 2, ES_INVERT_TARGET = 4, ES_INSTIGATOR_VOTES = 8 };
enum { ES_PREFIX, ES_LITERAL, ES_TARGET_PREFIX, ES_TARGET_LITERAL };
enum { ES_FIELD_EVENT, ES_FIELD_PROCESS, ES_FIELD_EXECUTABLE, ES_FIELD_TARGET, ES_FIELDS };
/* Why es_write() stopped: it was done; the next line would pass the limit; the next row needs a line of the caller's;
 * rows were evicted before they could be written; write() failed. */
enum { ES_WROTE_ALL, ES_WROTE_LIMIT, ES_WROTE_ROW, ES_WROTE_GONE, ES_WROTE_ERROR };
enum { ES_SHARDS = 64 };

/* The integer columns, in the order of es_row.num, .present and .negative. */
enum { ES_EVENT_TYPE, ES_SEQ_NUM, ES_GLOBAL_SEQ_NUM, ES_PID, ES_PIDVERSION, ES_EUID, ES_PPID, ES_INTS };
/* The text columns, in the order of es_row.text_len. ES_TEXT_NAME is an unknown event's name, or the words of a seam or
 * of a loss line. */
enum { ES_TEXT_NAME, ES_TEXT_EXECUTABLE, ES_TEXT_SIGNING_ID, ES_TEXT_TARGET_1, ES_TEXT_TARGET_2, ES_TEXTS };

typedef struct {
    uint64_t seq, line, size;      /* line: 0 for no line; size: its bytes, even where only its beginning is kept */
    uint64_t num[ES_INTS];         /* magnitude as two's complement where the bit in negative is set */
    uint64_t gap_global, gap_type; /* gaps only */
    int64_t time_ns;               /* valid when time_kind has bit 1 */
    int64_t text_len[ES_TEXTS];    /* -1: null; the texts follow each other in the buffer */
    int32_t kind, stream, event;   /* event: ES number, 256 and up for unknown names, -1 for none */
    int32_t stage, reason, owned;
    int32_t time_kind;             /* bit 0: a string, bit 1: read as a time, bit 2: exactly 9 digits, so it can be rebuilt */
    uint32_t present, negative;
    int32_t shard, unknown; /* shard: -1 for none; unknown: a gap whose size nobody knows */
} es_row;

typedef struct {
    uint64_t head, tail, lines, events, bad, evicted, held_events, by_stage[ES_STAGES];
    uint64_t held_bytes, string_bytes, memory, generation, read_bytes;
    int64_t first_ns, last_ns; /* INT64_MIN: no time seen */
    uint8_t first_time[31], last_time[31]; /* as the lines give them, NUL behind */
} es_counters;

typedef struct {
    uint64_t total, held, suppressed, lost, missing;
    int32_t event;
} es_event_count;

typedef struct {
    uint64_t lost, missing, unknown; /* of global_seq_num; losses of unknown size */
    uint64_t shards;                 /* bits of those that occurred */
    uint64_t by_shard[64];           /* lost and missing */
} es_losses;

/* How far es_write() has come: what it needs to know of the rows before. */
typedef struct {
    uint64_t next;                /* seq of the row to go on from */
    uint64_t passed, passed_lost; /* before it: events, and losses of owned streams */
    uint64_t delivered;           /* of the events passed */
    uint64_t shards;              /* bits of those that have a numbered event where it is written to */
    int32_t unsharded;            /* the same for events of no shard */
} es_place;

typedef struct {
    int32_t stop, error;           /* ES_WROTE_..., errno */
    uint64_t lines, events, bytes; /* the bytes up to the last whole line */
    uint64_t gone, gone_lost;      /* evicted unwritten: events, and losses of owned streams */
} es_wrote;

typedef struct {
    uint64_t events, suppressed, newly_suppressed, newly_delivered;
} es_whatif_counts;

typedef struct {
    uint64_t count;
    int64_t last, last_ns; /* -1: none; INT64_MIN: no time */
} es_hit_counts;

/* A ring under a budget in bytes (raw lines, records, strings) and, unless 0, in events. tally counts events per
 * executable over the whole stream, and then keeps those strings for good. */
es_ring *es_ring_new(uint64_t budget, uint64_t max_events, int tally);
void es_ring_free(es_ring *);
/* Teaches the ring one NOTIFY type: its number, eslogger name, and target paths in the notation of events.py ("" when
 * the type does not support target muting). instigator: 0 none, 1 `instigator`, 2 `petitioner`. -1: notation unknown. */
int es_define_event(es_ring *, int number, const char *name, const char *targets, int instigator);

/* A stream. owned: its gaps are lost, not missing. fd >= 0: lines stay in that file and are read back from a dup. */
int es_add_stream(es_ring *, int owned, int fd);
/* Whether gaps that come now are lost: estui started it, or the whole of a recording is being read. */
int es_is_owned(es_ring *, int stream);
/* Reads fd until its end (0), es_stop() (-1), or an error (errno). An unfinished last line counts as a line. */
int es_run(es_ring *, int stream, int fd);
void es_stop(es_ring *, int stream);
/* Takes bytes Python holds; offset is the place of data[0] in the stream's file, or -1 to go on where the last ended. */
void es_ingest(es_ring *, int stream, const uint8_t *data, size_t len, int64_t offset);
void es_end(es_ring *, int stream);        /* an unfinished line is a line */
void es_break_line(es_ring *, int stream); /* an unfinished line is a bad line */
uint64_t es_mark(es_ring *, const uint8_t *words, size_t len);

void es_get_counters(es_ring *, es_counters *);
void es_get_losses(es_ring *, es_losses *);
/* Rows. -1: not held. */
int64_t es_row_get(es_ring *, uint64_t seq, es_row *, uint8_t *buf, size_t cap);
int64_t es_raw_get(es_ring *, uint64_t seq, uint8_t *buf, size_t cap);
/* Begins at the row with that seq, or the oldest that is held; nothing is shown yet. */
void es_write_from(es_ring *, es_place *, uint64_t seq);
/* Writes the raw lines of rows from at->next on, up to, not with, seq upto, each with a newline, and moves the place: of
 * bad lines, of loss lines, and of the events of these stages (bit mask), at most limit bytes. Rows that are no line
 * are passed where the numbers of what is written show them: runs, gaps of a stream that is not owned or of one type
 * alone, and, where all stages are written, gaps behind a numbered event of the same shard. Every other such row, and every seam, stops it.
 * The lock is held to copy at most 1 MiB or look at 8192 rows, and never while writing. */
void es_write(es_ring *, es_place *at, int fd, uint64_t upto, uint32_t stages, uint64_t limit, es_wrote *);
/* Rows from seq on are not to be evicted unseen: es_run() and es_ingest() wait while they fill half the budget. The
 * hold moves on with es_write(). drop: rows before it go as soon as they can. -1: no hold any more. */
void es_hold(es_ring *, int64_t seq, int drop);
/* Event types by slot: 0..255 are the numbers, then unknown names. -1: no such slot, or never seen. */
int es_event_slots(es_ring *);
int64_t es_event_get(es_ring *, int slot, es_event_count *, uint8_t *buf, size_t cap);
/* Executables with a tally: the next after *cursor (start at 0), which it moves. -1: no more. */
int64_t es_tally_get(es_ring *, uint32_t *cursor, uint64_t *count, uint8_t *buf, size_t cap);
int es_exited(es_ring *, uint64_t pid, uint64_t pidversion);

/* Rules are built, then given away: es_judge() takes ownership; es_whatif() does not. */
es_rules *es_rules_new(int flags, int subscribe_all);
void es_rules_free(es_rules *);
void es_rules_subscribe(es_rules *, const uint8_t *name, size_t len);
void es_rules_path(es_rules *, int type, const uint8_t *path, size_t len, const uint8_t mask[32]);
void es_rules_process(es_rules *, uint64_t pid, uint64_t pidversion, const uint8_t mask[32]);
void es_judge(es_ring *, es_rules *);
void es_whatif(es_ring *, es_rules *, es_whatif_counts *);
/* Events held that the one entry of these rules matches, whatever else is muted. */
void es_hits(es_ring *, es_rules *, es_hit_counts *);

es_view *es_view_new(es_ring *);
void es_view_free(es_view *);
void es_view_clear(es_view *, int hide_suppressed);
/* One filter; process filters give pid and pidversion (has_version 0: any), the others bytes. */
void es_view_filter(es_view *, int field, int include, const uint8_t *value, size_t len, uint64_t pid,
                    uint64_t pidversion, int has_version);
void es_view_extend(es_view *);
uint64_t es_view_len(es_view *);
uint64_t es_view_dropped(es_view *);
int64_t es_view_at(es_view *, uint64_t position);   /* -1: out of range */
uint64_t es_view_index(es_view *, uint64_t seq);    /* position of the first row >= seq */
uint64_t es_view_seek_time(es_view *, int64_t ns);  /* position of the first row at or after ns */
/* Looks for needle from row start on, at most limit rows; view may be NULL. Returns the seq found or -1, and in
 * *resume where to go on, or -1 at the end. fold: ASCII case is ignored, and needle is lower case. */
int64_t es_find(es_ring *, es_view *, const uint8_t *needle, size_t len, int fold, int64_t start, int step,
                uint64_t limit, int64_t *resume);

/* What the ring holds and the rules deliver, in groups: one cell for each type, program and one or two targets that
 * occur together; of two targets, one that the rules mute is left out. Programs and targets are nodes, numbered from 2
 * on in the order of their bytes: paths that occur in at least so many of these events (a target once for each place it
 * stands in), and directories (their last byte is a slash) with as many below them, those left out where one thing
 * right below has them all. What is no node itself counts with the deepest one above it, and what has none with 1; 0 is
 * for no path. Directories deeper than 20 are as their 20th. Cells are in the order of their numbers. */
typedef struct es_cube es_cube;
typedef struct {
    uint64_t events, bytes, last; /* last: seq of the last of them */
    uint32_t event, executable, target1, target2;
} es_cell;
es_cube *es_cube_new(es_ring *, es_rules *, uint64_t least); /* the rules stay the caller's */
void es_cube_free(es_cube *);
uint64_t es_cube_cells(es_cube *, es_cell *out, uint64_t cap);
/* A node's path; -1: there is no such node. */
int64_t es_cube_node(es_cube *, int targets, uint32_t node, uint8_t *buf, size_t cap);

/* Two sets of rules side by side over the events held, frozen as it was made. Figures come by what the two say of an
 * event: 1 where the first suppresses it, 2 where the second does, so that 1 alone is newly delivered. */
enum { ES_NEWLY_DELIVERED = 1, ES_NEWLY_SUPPRESSED = 2 };
enum { ES_BY_EVENT, ES_BY_PROCESS, ES_BY_EXECUTABLE, ES_BY_DIRECTORY, ES_GROUPINGS };
typedef struct es_comparison es_comparison;
typedef struct {
    uint64_t events[4], bytes[4];
    uint64_t pid, pidversion, known; /* of a process; known 0: events that tell none */
    int64_t text_len;                /* -1: none; a process's text is its latest executable */
} es_group;
typedef struct {
    uint64_t events[4], bytes[4], by_stage[ES_STAGES];         /* by_stage: of the second */
    uint64_t first, rows;                                      /* seq of the first row, and how many there were */
    uint64_t found[ES_GROUPINGS], shown[ES_GROUPINGS], text_bytes[ES_GROUPINGS];
    int64_t first_ns, last_ns; /* INT64_MIN: no time */
} es_compared;
/* now NULL: the rules in force. Rules stay the caller's. Event types are all listed, of the other groups the first top,
 * most changes first, then most events, then by their bytes. An event counts in each directory of its targets, which
 * goes up to the last slash; groups without an event are left out. */
es_comparison *es_compare(es_ring *, es_rules *now, es_rules *then, uint64_t top);
void es_comparison_free(es_comparison *);
void es_comparison_total(const es_comparison *, es_compared *);
/* Fills shown groups and text_bytes bytes: the texts, one behind the other. */
void es_comparison_groups(const es_comparison *, int by, es_group *groups, uint8_t *text);
/* The changes from the start-th on, oldest first, as seq << 1 | newly suppressed; kinds: bits by ES_NEWLY_. Returns how
 * many there were, limit at most. */
uint64_t es_comparison_changes(const es_comparison *, unsigned kinds, uint64_t start, uint64_t limit, uint64_t *out);

/* What each of a plan's rules does to the events held. They are added in their order, process rules after path rules.
 * An idle one counts what it matches and decides nothing. */
typedef struct es_entries es_entries;
typedef struct {
    uint64_t events, bytes;         /* that it matches, whatever else is muted */
    uint64_t own_events, own_bytes; /* whose verdict would flip without it */
    uint64_t one_sided;             /* with two targets of which it matches one, while no rule matches the other */
    int64_t instead;       /* hits but none of its own: the rule that decides most of them without it; -1: none does */
    int64_t last, last_ns; /* of the last hit; -1: none; INT64_MIN: no time */
} es_rule_hits;
es_entries *es_entries_new(int flags, int subscribe_all);
void es_entries_free(es_entries *);
void es_entries_subscribe(es_entries *, const uint8_t *name, size_t len);
void es_entries_path(es_entries *, int type, const uint8_t *path, size_t len, const uint8_t mask[32], int idle);
void es_entries_process(es_entries *, uint64_t pid, uint64_t pidversion, const uint8_t mask[32], int idle);
/* Once: one result for each rule, in the order in which they were added. */
void es_entries_count(es_ring *, es_entries *, es_rule_hits *out);

#endif
