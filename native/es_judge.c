/* Verdicts over the whole ring: the rules in force, other rules for comparison, one entry alone. */
#include "es_ring.h"

#define AHEAD 12 /* strings */

es_judge_state es_judge_begin(es_ring *r, es_rules *rules)
{
    es_judge_state j = {.rules = rules, .subscribed = es_alloc(ES_MAX_EVENTS)};
    es_judge_room(&j, r->strings.count, r->processes.count);
    memset(j.subscribed, rules->subscribe_all, ES_MAX_EVENTS);
    for (uint32_t e = 0; e < r->nevents && !rules->subscribe_all; e++) {
        const es_entry *name = &r->names.entries[r->event_name[e]];
        j.subscribed[e] = r->event_name[e] && es_lookup(&rules->names, name->ptr, name->len);
    }
    /* Every string at once, the ones to come fetched ahead: met one by one on the way through the rows, each would be
     * waited for. */
    for (uint32_t id = 1, n = r->strings.count; rules->asks_target && id < n; id++) {
        const es_entry *e = &r->strings.entries[id];
        if (id + AHEAD < n)
            __builtin_prefetch(e[AHEAD].ptr);
        if (e->refs)
            j.target_class[id] = es_path_class(rules, &rules->target, e);
    }
    return j;
}

void es_judge(es_ring *r, es_rules *rules)
{
    es_rules_finish(rules);
    es_lock(r);
    es_judge_state old = r->judge;
    r->judge = es_judge_begin(r, rules);
    uint64_t by_stage[ES_STAGES] = {0};
    memset(r->suppressed, 0, sizeof *r->suppressed * r->nevents);
    r->suppressed[ES_MAX_EVENTS - 1] = 0;
    ES_EACH_EVENT(r, b, i, seq, {
        es_subject s;
        es_subject_of(b, i, &s);
        int stage = es_decide(&r->judge, &r->strings, &r->processes, &s, es_supports_targets(r, s.event));
        b->stage[i] = (uint8_t)stage;
        by_stage[stage]++; /* no branch: which events a mute suppresses cannot be predicted */
        r->suppressed[s.event] += stage != 0;
    })
    memcpy(r->by_stage, by_stage, sizeof by_stage);
    r->generation++;
    es_unlock(r);
    es_rules_free(old.rules);
    es_judge_clear(&old);
}

void es_whatif(es_ring *r, es_rules *rules, es_whatif_counts *out)
{
    es_rules_finish(rules);
    memset(out, 0, sizeof *out);
    es_lock(r);
    es_judge_state j = es_judge_begin(r, rules);
    ES_EACH_EVENT(r, b, i, seq, {
        es_subject s;
        es_subject_of(b, i, &s);
        int stage = es_decide(&j, &r->strings, &r->processes, &s, es_supports_targets(r, s.event));
        out->events++;
        out->suppressed += stage != 0;
        out->newly_suppressed += stage && !b->stage[i];
        out->newly_delivered += !stage && b->stage[i];
    })
    es_unlock(r);
    es_judge_clear(&j);
}

void es_hits(es_ring *r, es_rules *rules, es_hit_counts *out)
{
    es_rules_finish(rules);
    out->count = 0;
    out->last = -1;
    out->last_ns = INT64_MIN;
    es_lock(r);
    es_judge_state j = es_judge_begin(r, rules);
    ES_EACH_EVENT(r, b, i, seq, {
        es_subject s;
        es_subject_of(b, i, &s);
        unsigned bit = es_event_bit(s.event);
        int hit = 0;
        if (rules->nprocesses)
            hit = es_process_muted(&j, &r->processes, s.process_id, bit) ||
                  ((rules->flags & ES_INSTIGATOR_VOTES) && es_process_muted(&j, &r->processes, s.instigator, bit));
        else if (rules->path.nliterals || rules->path.nprefixes)
            hit = s.executable &&
                  es_mask_has(es_string_mask(rules, &rules->path, j.path_class, &r->strings, s.executable), bit);
        else if (es_supports_targets(r, s.event))
            hit = (s.target1 &&
                   es_mask_has(es_string_mask(rules, &rules->target, j.target_class, &r->strings, s.target1), bit)) ||
                  (s.target2 &&
                   es_mask_has(es_string_mask(rules, &rules->target, j.target_class, &r->strings, s.target2), bit));
        if (hit) {
            out->count++;
            out->last = (int64_t)seq;
            out->last_ns = b->time_kind[i] & 2 ? b->time_ns[i] : INT64_MIN;
        }
    })
    es_unlock(r);
    es_judge_clear(&j);
}
