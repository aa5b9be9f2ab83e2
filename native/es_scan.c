/* The scanner: one pass that checks the whole line and keeps what the columns need.
 *
 * Real lines come with keys in any order, so each object of interest is walked key by key and everything else is
 * skipped, but checked: a line is an event only if all of it is JSON. A key that comes twice counts the last time, as
 * it does for orjson, so every walk begins by clearing what it fills. */
#include "es_json.h"

#ifndef ES_SCAN
#define ES_SCAN es_scan
#endif

/* An audit token: an object by name, or an array of exactly 8 in the order of audit_token_t. */
static ptr read_token(scan *s, ptr p, int depth, es_token *out)
{
    memset(out, 0, sizeof *out);
    if (*p == '[') {
        es_token t;
        int n = 0;
        memset(&t, 0, sizeof t);
        if (depth >= MAX_DEPTH)
            return NULL;
        p = ws(p + 1);
        if (*p == ']')
            return p + 1;
        for (;; n++) {
            if (n == 1)
                p = read_int(s, p, depth + 1, &t.euid);
            else if (n == 5)
                p = read_int(s, p, depth + 1, &t.pid);
            else if (n == 7)
                p = read_int(s, p, depth + 1, &t.pidversion);
            else
                p = skip(s, p, depth + 1);
            if (!p)
                return NULL;
            p = ws(p);
            if (*p == ']') {
                if (n == 7)
                    *out = t;
                return p + 1;
            }
            if (*p != ',')
                return NULL;
            p = ws(p + 1);
        }
    }
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        if (IS(k, "pid"))
            p = read_int(s, p, depth + 1, &out->pid);
        else if (IS(k, "pidversion"))
            p = read_int(s, p, depth + 1, &out->pidversion);
        else if (IS(k, "euid"))
            p = read_int(s, p, depth + 1, &out->euid);
        else
            p = skip(s, p, depth + 1);
    });
}

/* The one member `path` of a file. */
static ptr read_file(scan *s, ptr p, int depth, es_span *path)
{
    path->ptr = NULL;
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        p = IS(k, "path") ? read_span(s, p, depth + 1, path) : skip(s, p, depth + 1);
    });
}

/* A member that is a file for some events and a process for others. */
static ptr read_target(scan *s, ptr p, int depth, es_span *path, es_span *executable)
{
    path->ptr = executable->ptr = NULL;
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        if (IS(k, "path"))
            p = read_span(s, p, depth + 1, path);
        else if (IS(k, "executable"))
            p = read_file(s, p, depth + 1, executable);
        else
            p = skip(s, p, depth + 1);
    });
}

static ptr read_role(scan *s, ptr p, int depth, es_token *token)
{
    memset(token, 0, sizeof *token);
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        p = IS(k, "audit_token") ? read_token(s, p, depth + 1, token) : skip(s, p, depth + 1);
    });
}

static ptr read_new_path(scan *s, ptr p, int depth, es_line *out)
{
    out->slot[ES_SLOT_NEW_DIR].ptr = out->slot[ES_SLOT_NEW_FILENAME].ptr = NULL;
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        if (IS(k, "dir"))
            p = read_file(s, p, depth + 1, &out->slot[ES_SLOT_NEW_DIR]);
        else if (IS(k, "filename"))
            p = read_span(s, p, depth + 1, &out->slot[ES_SLOT_NEW_FILENAME]);
        else
            p = skip(s, p, depth + 1);
    });
}

static ptr read_destination(scan *s, ptr p, int depth, es_line *out)
{
    out->slot[ES_SLOT_EXISTING_FILE].ptr = NULL;
    out->slot[ES_SLOT_NEW_DIR].ptr = out->slot[ES_SLOT_NEW_FILENAME].ptr = NULL;
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        if (IS(k, "existing_file"))
            p = read_file(s, p, depth + 1, &out->slot[ES_SLOT_EXISTING_FILE]);
        else if (IS(k, "new_path"))
            p = read_new_path(s, p, depth + 1, out);
        else
            p = skip(s, p, depth + 1);
    });
}

/* One arm of authentication's data. */
static ptr read_arm(scan *s, ptr p, int depth, es_token *role, es_token *token)
{
    memset(role, 0, sizeof *role);
    memset(token, 0, sizeof *token);
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        if (IS(k, "instigator"))
            p = read_role(s, p, depth + 1, role);
        else if (IS(k, "instigator_token"))
            p = read_token(s, p, depth + 1, token);
        else
            p = skip(s, p, depth + 1);
    });
}

static ptr read_data(scan *s, ptr p, int depth, es_line *out)
{
    memset(out->arm, 0, sizeof out->arm);
    memset(out->arm_token, 0, sizeof out->arm_token);
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        int arm = IS(k, "od") ? ES_ARM_OD : IS(k, "touchid") ? ES_ARM_TOUCHID : IS(k, "token") ? ES_ARM_TOKEN : -1;
        p = arm < 0 ? skip(s, p, depth + 1) : read_arm(s, p, depth + 1, &out->arm[arm], &out->arm_token[arm]);
    });
}

static void clear_payload(es_line *out)
{
    memset(out->slot, 0, sizeof out->slot);
    memset(out->role, 0, sizeof out->role);
    memset(out->role_token, 0, sizeof out->role_token);
    memset(out->arm, 0, sizeof out->arm);
    memset(out->arm_token, 0, sizeof out->arm_token);
}

static ptr read_payload(scan *s, ptr p, int depth, es_line *out)
{
    es_span *slot = out->slot;
    key k;
    EACH(p, depth, k, {
        int d = depth + 1;
        switch (k.len ? k.text[0] : 0) {
        case 't':
            if (IS(k, "target"))
                p = read_target(s, p, d, &slot[ES_SLOT_TARGET], &slot[ES_SLOT_TARGET_EXECUTABLE]);
            else if (IS(k, "target_dir"))
                p = read_file(s, p, d, &slot[ES_SLOT_TARGET_DIR]);
            else if (IS(k, "target_filename"))
                p = read_span(s, p, d, &slot[ES_SLOT_TARGET_FILENAME]);
            else if (IS(k, "target_name"))
                p = read_span(s, p, d, &slot[ES_SLOT_TARGET_NAME]);
            else if (IS(k, "target_file"))
                p = read_file(s, p, d, &slot[ES_SLOT_TARGET_FILE]);
            else
                p = skip(s, p, d);
            break;
        case 'f':
            if (IS(k, "file"))
                p = read_file(s, p, d, &slot[ES_SLOT_FILE]);
            else if (IS(k, "file1"))
                p = read_file(s, p, d, &slot[ES_SLOT_FILE1]);
            else if (IS(k, "file2"))
                p = read_file(s, p, d, &slot[ES_SLOT_FILE2]);
            else if (IS(k, "filename"))
                p = read_span(s, p, d, &slot[ES_SLOT_FILENAME]);
            else
                p = skip(s, p, d);
            break;
        case 's':
            p = IS(k, "source") ? read_file(s, p, d, &slot[ES_SLOT_SOURCE]) : skip(s, p, d);
            break;
        case 'd':
            if (IS(k, "destination"))
                p = read_destination(s, p, d, out);
            else if (IS(k, "dir"))
                p = read_file(s, p, d, &slot[ES_SLOT_DIR]);
            else if (IS(k, "data"))
                p = read_data(s, p, d, out);
            else
                p = skip(s, p, d);
            break;
        case 'i':
            if (IS(k, "instigator"))
                p = read_role(s, p, d, &out->role[ES_ROLE_INSTIGATOR]);
            else if (IS(k, "instigator_token"))
                p = read_token(s, p, d, &out->role_token[ES_ROLE_INSTIGATOR]);
            else
                p = skip(s, p, d);
            break;
        case 'p':
            if (IS(k, "petitioner"))
                p = read_role(s, p, d, &out->role[ES_ROLE_PETITIONER]);
            else if (IS(k, "petitioner_token"))
                p = read_token(s, p, d, &out->role_token[ES_ROLE_PETITIONER]);
            else
                p = skip(s, p, d);
            break;
        default:
            p = skip(s, p, d);
        }
    });
}

static int same_text(es_span a, es_span b)
{
    if (!a.escaped && !b.escaped)
        return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
    uint8_t *ua = es_alloc((size_t)a.len + ES_PAD), *ub = es_alloc((size_t)b.len + ES_PAD);
    size_t na = es_unescape(ua, a), nb = es_unescape(ub, b);
    int same = na == nb && memcmp(ua, ub, na) == 0;
    free(ua);
    free(ub);
    return same;
}

static ptr read_event(scan *s, ptr p, int depth, es_line *out)
{
    out->reason = ES_BAD_NO_EVENT;
    out->name.ptr = NULL;
    clear_payload(out);
    if (*p != '{')
        return skip(s, p, depth);
    out->reason = ES_BAD_EVENT;
    int many = 0;
    key k;
    EACH(p, depth, k, {
        if (out->name.ptr && !same_text(out->name, k.span))
            many = 1;
        out->name = k.span;
        clear_payload(out);
        out->reason = *p == '{' && !many ? ES_BAD_NONE : ES_BAD_EVENT;
        p = *p == '{' ? read_payload(s, p, depth + 1, out) : skip(s, p, depth + 1);
    });
}

static ptr read_process(scan *s, ptr p, int depth, es_line *out)
{
    memset(&out->token, 0, sizeof out->token);
    memset(&out->ppid, 0, sizeof out->ppid);
    out->executable.ptr = out->signing_id.ptr = NULL;
    if (*p != '{')
        return skip(s, p, depth);
    key k;
    EACH(p, depth, k, {
        int d = depth + 1;
        if (IS(k, "audit_token"))
            p = read_token(s, p, d, &out->token);
        else if (IS(k, "executable"))
            p = read_file(s, p, d, &out->executable);
        else if (IS(k, "signing_id"))
            p = read_span(s, p, d, &out->signing_id);
        else if (IS(k, "ppid"))
            p = read_int(s, p, d, &out->ppid);
        else
            p = skip(s, p, d);
    });
}

static ptr read_line(scan *s, ptr p, es_line *out)
{
    key k;
    EACH(p, 0, k, {
        if (IS(k, "event"))
            p = read_event(s, p, 1, out);
        else if (IS(k, "process"))
            p = read_process(s, p, 1, out);
        else if (IS(k, "time"))
            p = read_span(s, p, 1, &out->time);
        else if (IS(k, "event_type"))
            p = read_int(s, p, 1, &out->event_type);
        else if (IS(k, "seq_num"))
            p = read_int(s, p, 1, &out->seq_num);
        else if (IS(k, "global_seq_num"))
            p = read_int(s, p, 1, &out->global_seq_num);
        else if (IS(k, "estui_shard"))
            p = read_int(s, p, 1, &out->shard);
        else
            p = skip(s, p, 1);
    });
}

ptr ES_SCAN(ptr line, size_t room, uint32_t *ends, es_line *out)
{
    scan s = {.base = line};
    memset(out, 0, sizeof *out);
#ifdef ES_STEP
    if (index_strings(line, room, ends))
        s.end = ends;
#else
    (void)ends;
#endif
    ptr p = ws(line);
    if (*p == '\n') {
        out->reason = ES_BAD_EMPTY;
        return p;
    }
    int object = *p == '{';
    out->reason = ES_BAD_NO_EVENT;
    p = object ? read_line(&s, p, out) : skip(&s, p, 0);
    if (p)
        p = ws(p);
    if (!p || *p != '\n') {
        out->reason = ES_BAD_JSON;
        return memchr(line, '\n', room);
    }
    if (!object)
        out->reason = ES_BAD_NOT_OBJECT;
    return p;
}

