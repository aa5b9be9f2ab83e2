/* One line of JSON to the columns of a row. */
#ifndef ES_SCAN_H
#define ES_SCAN_H

#include "es_core.h"
#include "es_text.h"

/* The members of an event's payload that target paths are made of. */
enum {
    ES_SLOT_TARGET, ES_SLOT_TARGET_EXECUTABLE, ES_SLOT_FILE, ES_SLOT_SOURCE, ES_SLOT_FILE1, ES_SLOT_FILE2,
    ES_SLOT_EXISTING_FILE, ES_SLOT_NEW_DIR, ES_SLOT_NEW_FILENAME, ES_SLOT_TARGET_DIR, ES_SLOT_TARGET_FILENAME,
    ES_SLOT_TARGET_NAME, ES_SLOT_TARGET_FILE, ES_SLOT_DIR, ES_SLOT_FILENAME, ES_SLOTS
};

/* Lines up to so many bytes get an index of their strings. */
#define ES_INDEXED (64 << 10)
#define ES_INDEX (ES_INDEXED + 64)

/* The slot a dotted path names, or -1. */
int es_slot(const char *path, size_t len);

typedef struct {
    uint64_t value;
    uint8_t present, negative;
} es_int;

typedef struct {
    es_int pid, pidversion, euid;
} es_token;

/* A process that an event names besides its submitter. */
enum { ES_ARM_OD, ES_ARM_TOUCHID, ES_ARM_TOKEN, ES_ARMS };
enum { ES_ROLE_NONE, ES_ROLE_INSTIGATOR, ES_ROLE_PETITIONER, ES_ROLES };

typedef struct {
    int reason;
    es_span name, time, executable, signing_id, slot[ES_SLOTS];
    es_int event_type, seq_num, global_seq_num, ppid, shard;
    es_token token;
    /* By role: the token of the process object, and the one beside it. */
    es_token role[ES_ROLES], role_token[ES_ROLES];
    /* The same for the instigator inside each arm of authentication's data. */
    es_token arm[ES_ARMS], arm_token[ES_ARMS];
} es_line;

/* Scans the line at p, which a newline ends within room bytes, and gives that newline; ES_PAD bytes after room may be
 * read. The line is checked as a whole: it has a reason other than 0 exactly if it is not JSON, or not an event. Bytes
 * from 0x80 up are taken in strings as they are. ends: room for ES_INDEX offsets, to work in. */
typedef const uint8_t *es_scanner(const uint8_t *p, size_t room, uint32_t *ends, es_line *out);
/* es_scan.c as compiled for any processor, and again for one with AVX2, BMI and POPCNT. */
es_scanner es_scan, es_scan_avx2;
/* The one this machine runs best. */
es_scanner *es_best_scanner(void);

/* A line of estui's own. */
enum { ES_OWN_NONE, ES_OWN_LOSS, ES_OWN_MARK, ES_OWN_RECORDING };
typedef struct {
    es_span words; /* why, the words, or the source */
    es_int lost, shard;
    int unknown, whole; /* unknown: lost is null */
} es_own;

/* What a line is that was found to be an object without an event. */
int es_read_own(const uint8_t *p, es_own *out);

/* Reads YYYY-MM-DDTHH:MM:SS[.digits]Z. Gives es_row's time_kind; *ns is set when bit 1 is. */
int es_time(es_span s, int64_t *ns);

#endif
