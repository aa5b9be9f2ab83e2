/* The compiled rules: which events a string or a process is muted for, and what that makes of an event. */
#ifndef ES_MUTE_H
#define ES_MUTE_H

#include "es_core.h"
#include "es_intern.h"

#define ES_UNKNOWN 256     /* event ids from here on are names the catalogue does not know */
#define ES_MAX_EVENTS 65536 /* the last id stands for all further unknown names */
#define ES_UNKNOWN_BIT 255

/* A set of event types. */
typedef struct {
    uint64_t w[4];
} es_mask;

static inline unsigned es_event_bit(uint32_t event)
{
    return event < ES_UNKNOWN ? event : ES_UNKNOWN_BIT;
}

static inline int es_mask_has(const es_mask *m, unsigned bit)
{
    return (int)(m->w[bit >> 6] >> (bit & 63) & 1);
}

typedef struct {
    const uint8_t *ptr; /* into the owner's copies */
    uint32_t len;
    es_mask mask;       /* with those of all its own prefixes */
    uint32_t class;     /* of that mask */
    int32_t parent;     /* the longest prefix of this one that is in the set, or -1 */
} es_pattern;

/* The literals and prefixes of one dimension. */
typedef struct {
    es_table literals; /* a literal's id indexes literal_mask */
    es_mask *literal_mask; /* and room for nliterals of them */
    uint32_t nliterals;
    es_pattern *prefixes; /* sorted, distinct */
    uint32_t nprefixes, cap;
} es_matcher;

struct es_rules {
    int flags, subscribe_all, ready;
    int asks_process, asks_path, asks_target; /* whether a dimension can suppress anything at all */
    es_table names;      /* subscribed to */
    es_matcher path, target;
    es_table processes;  /* keys of 16 bytes: pid, pidversion */
    es_mask *process_mask;
    uint32_t nprocesses;
    es_mask *classes;    /* distinct masks; class 0 is the empty one */
    uint32_t nclasses, classes_cap;
    uint32_t *class_slots; /* hash of a mask to class + 1 */
    uint32_t class_slot_mask;
};

#define ES_UNSET UINT32_MAX

/* Rules applied to one ring's tables: a class for each string and process, found when first asked for. */
typedef struct {
    es_rules *rules;
    uint32_t *path_class, *target_class, *process_class;
    uint32_t strings, processes; /* room in the arrays */
    uint8_t *subscribed;         /* by event id */
} es_judge_state;

typedef struct {
    uint32_t process_id, executable, target1, target2, instigator;
    uint32_t event;
} es_subject;

/* Sorts what was added; nothing may be added after. */
void es_rules_finish(es_rules *);
/* Makes room for ids below the two counts; new ones are unset. */
void es_judge_room(es_judge_state *, uint32_t strings, uint32_t processes);
void es_judge_clear(es_judge_state *);
uint32_t es_path_class(es_rules *, const es_matcher *, const es_entry *);
/* What of a matcher a string meets: the literal's id, or 0; the longest prefix, or -1. */
typedef struct {
    uint32_t literal;
    int32_t prefix;
} es_met;
es_met es_match(const es_matcher *, const es_entry *);
uint32_t es_process_class(es_rules *, const uint8_t key[16]);

/* The masks a class stands for, the class being found first where it is not known. */
static inline const es_mask *es_string_mask(es_rules *r, const es_matcher *m, uint32_t *classes, const es_table *t,
                                            uint32_t id)
{
    uint32_t c = classes[id];
    if (c == ES_UNSET)
        classes[id] = c = es_path_class(r, m, &t->entries[id]);
    return &r->classes[c];
}

static inline int es_process_muted(const es_judge_state *j, const es_table *processes, uint32_t id, unsigned bit)
{
    if (!id)
        return 0;
    uint32_t c = j->process_class[id];
    if (c == ES_UNSET)
        j->process_class[id] = c = es_process_class(j->rules, processes->entries[id].ptr);
    return es_mask_has(&j->rules->classes[c], bit);
}

/* The stage that suppresses the event, 0 when none does, in the order of es_mute_path's discussion. targets: does the
 * type support target muting. */
static inline int es_decide(const es_judge_state *j, const es_table *strings, const es_table *processes,
                            const es_subject *s, int targets)
{
    es_rules *r = j->rules;
    unsigned bit = es_event_bit(s->event);
    if (!j->subscribed[s->event])
        return ES_STAGE_SUBSCRIPTION;
    int inverted = (r->flags & ES_INVERT_PROCESS) != 0;
    if (r->asks_process) {
        if (es_process_muted(j, processes, s->process_id, bit) != inverted)
            return ES_STAGE_PROCESS;
        if ((r->flags & ES_INSTIGATOR_VOTES) && s->instigator &&
            es_process_muted(j, processes, s->instigator, bit) != inverted)
            return ES_STAGE_PROCESS;
    }
    inverted = (r->flags & ES_INVERT_PATH) != 0;
    if (r->asks_path) {
        int muted = s->executable &&
                    es_mask_has(es_string_mask(r, &r->path, j->path_class, strings, s->executable), bit);
        if (muted != inverted)
            return ES_STAGE_PATH;
    }
    inverted = (r->flags & ES_INVERT_TARGET) != 0;
    if (r->asks_target && s->target1 && targets) {
        int first = es_mask_has(es_string_mask(r, &r->target, j->target_class, strings, s->target1), bit);
        int second = s->target2
                         ? es_mask_has(es_string_mask(r, &r->target, j->target_class, strings, s->target2), bit)
                         : first;
        return (inverted ? !(first | second) : first & second) * ES_STAGE_TARGET_PATH;
    }
    return ES_STAGE_DELIVERED;
}

#endif
