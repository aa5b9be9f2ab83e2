/* Lines of estui's own in a recording: losses, marks, and the recording's first line. Such lines are rare, so they are
 * walked a second time, and without an index of their strings. */
#ifndef ES_NO_SIMD
#define ES_NO_SIMD
#endif
#include "es_json.h"

/* A member that should be text. */
typedef struct {
    es_span text;
    int wrong; /* it is something else */
} member;

typedef struct {
    member estui, why, words, source;
    es_int lost, shard;
    int null, whole;
} members;

static ptr read_member(scan *s, ptr p, member *m)
{
    m->wrong = *p != '"';
    return read_span(s, p, 1, &m->text);
}

static ptr read_members(scan *s, ptr p, members *m)
{
    key k;
    EACH(p, 0, k, {
        if (IS(k, "estui"))
            p = read_member(s, p, &m->estui);
        else if (IS(k, "why"))
            p = read_member(s, p, &m->why);
        else if (IS(k, "words"))
            p = read_member(s, p, &m->words);
        else if (IS(k, "source"))
            p = read_member(s, p, &m->source);
        else if (IS(k, "lost")) {
            m->null = *p == 'n';
            p = read_int(s, p, 1, &m->lost);
        } else if (IS(k, "shard"))
            p = read_int(s, p, 1, &m->shard);
        else if (IS(k, "whole")) {
            m->whole = *p == 't';
            p = skip(s, p, 1);
        } else
            p = skip(s, p, 1);
    });
}

static int same(es_span text, const char *word)
{
    uint8_t buf[6 * 16 + ES_PAD];
    if (!text.ptr || text.len > 6 * 16)
        return 0;
    return es_unescape(buf, text) == strlen(word) && memcmp(buf, word, strlen(word)) == 0;
}

int es_read_own(ptr line, es_own *out)
{
    scan s = {.base = line};
    members m;
    memset(&m, 0, sizeof m);
    if (!read_members(&s, ws(line), &m))
        return ES_OWN_NONE;
    out->lost = m.lost;
    out->unknown = m.null;
    out->whole = m.whole;
    out->shard = m.shard;
    if (same(m.estui.text, "loss")) {
        out->words = m.why.text;
        return m.why.wrong || !(m.null || (m.lost.present && !m.lost.negative)) ? ES_OWN_NONE : ES_OWN_LOSS;
    }
    if (same(m.estui.text, "mark")) {
        out->words = m.words.text;
        return m.words.wrong ? ES_OWN_NONE : ES_OWN_MARK;
    }
    out->words = m.source.text;
    return m.source.wrong || !same(m.estui.text, "recording") ? ES_OWN_NONE : ES_OWN_RECORDING;
}
