/* Order: notes of the connector wait here until the file events before them are written, or one after them comes. */
#include "es_linux.h"

#define NOTES (1 << 16)
#define DEEP 64 /* unborn ancestors; beyond, all is written in the order it came */
#define HINT_AGE 5000000 /* ns between an exec's trace point and its note, at most */

static struct note notes[NOTES];
static uint64_t head, tail; /* of notes, as a ring */
static uint64_t beginning;

static bool same_end(const struct text *a, const struct text *b)
{
    const char *x = memrchr(a->ptr, '/', a->len), *y = memrchr(b->ptr, '/', b->len);
    size_t n = x ? (size_t)(a->ptr + a->len - x) : a->len, m = y ? (size_t)(b->ptr + b->len - y) : b->len;
    return n == m && memcmp(x ? x : a->ptr, y ? y : b->ptr, n) == 0;
}

/* ld.so, which the kernel opens for a program, and which is the program only when nothing else was opened. */
static bool is_loader(const struct text *t)
{
    const char *slash = memrchr(t->ptr, '/', t->len), *name = slash ? slash + 1 : t->ptr;
    size_t n = (size_t)(t->ptr + t->len - name);
    return n > 3 && memcmp(name, "ld", 2) == 0 && (name[2] == '-' || name[2] == '.') && memmem(name, n, ".so", 3);
}

static void write_exec(struct process *p, const struct note *n)
{
    static struct process before; /* only its blob is used */
    const struct capture *c = n->capture;
    struct text *executable = NULL, *script = NULL;
    for (int i = 0; i < p->nopened; i++)
        if (!executable || !is_loader(p->opened[i]))
            executable = p->opened[i];
    if (executable && executable != p->opened[0])
        script = text_share(p->opened[0]);
    bool fits = c && c->executable;
    if (executable && fits && !same_end(executable, c->executable))
        fits = false; /* it has become something else since: the arguments are of that */
    for (const struct note *later = p->first; later && fits; later = later->next)
        fits = later->kind != NOTE_EXEC;
    if (!executable && fits)
        executable = c->executable;
    if (!executable && p->hint && p->hint_at <= n->when && n->when - p->hint_at < HINT_AGE)
        executable = p->hint;
    executable = text_share(executable);

    process_fresh(p);
    if (before.blob_cap < p->blob_len)
        before.blob = resize(before.blob, before.blob_cap = p->blob_cap);
    memcpy(before.blob, p->blob, before.blob_len = p->blob_len);
    process_exec(p, executable, fits ? c : NULL, n->when);
    process_fresh(p);
    if (line_wanted[TYPE_EXEC] && !noise(p, false, 1))
        event_exec(&before, p, c, fits, script, n->when);
    text_drop(script);
    text_drop(executable);
}

static enum type ids_type(bool users, bool equal)
{
    return equal ? (users ? TYPE_SETUID : TYPE_SETGID) : users ? TYPE_SETREUID : TYPE_SETREGID;
}

static void write_ids(struct process *p, const struct note *n)
{
    bool users = n->kind == NOTE_UID;
    uint32_t *real = users ? &p->ruid : &p->rgid, *effective = users ? &p->euid : &p->egid;
    if (p->known && *real == n->a && *effective == n->b && p->looked < n->when)
        return; /* another of its threads, or only the saved id */
    *real = n->a;
    *effective = n->b;
    p->fresh = false;
    if (line_wanted[ids_type(users, n->a == n->b)] && !noise(p, false, 1))
        event_ids(ids_type(users, n->a == n->b), process_fresh(p), n->a, n->b, n->when);
}

static void write_target(enum type type, struct process *p, struct process *target, const struct note *n)
{
    if (line_wanted[type] && !noise(p, false, 1))
        event_target(type, process_fresh(p), process_fresh(target), n->a, n->when);
}

static void write_note(struct note *n)
{
    struct process *p = n->subject, *o = n->object;
    switch (n->kind) {
    case NOTE_FORK:
        process_fork(o, p, n->when);
        if (line_wanted[TYPE_FORK] && !noise(p, false, 1))
            event_fork(process_fresh(p), process_fresh(o), n->when);
        break;
    case NOTE_EXEC:
        write_exec(p, n);
        break;
    case NOTE_EXIT:
        if (line_wanted[TYPE_EXIT] && !noise(p, false, 1))
            event_exit(process_fresh(p), n->a, n->when);
        process_exit(p, n->when);
        break;
    case NOTE_UID:
    case NOTE_GID:
        write_ids(p, n);
        break;
    case NOTE_SESSION:
        p->session = p->group = p->pid;
        process_no_tty(p);
        break;
    case NOTE_TRACE:
        write_target(TYPE_TRACE, p, o, n);
        break;
    case NOTE_SIGNAL:
        write_target(TYPE_SIGNAL, p, o, n);
        break;
    case NOTE_LOSS:
        line_loss(n->when, n->why);
        process_resync();
        break;
    }
    if (p && p->changed < n->when)
        p->changed = n->when;
    if (p)
        p->pins--;
    if (o)
        o->pins--;
    capture_free(n->capture);
    n->capture = NULL;
    n->done = true;
    while (head < tail && notes[head % NOTES].done)
        head++;
}

/* All notes of this one's subject up to it; its subject is born. */
static void write_up_to(struct note *n)
{
    struct process *p = n->subject;
    if (!p) {
        write_note(n);
        return;
    }
    while (!n->done) {
        struct note *first = p->first;
        p->first = first->next;
        if (!p->first)
            p->last = NULL;
        write_note(first);
        if (first->kind == NOTE_FORK && first->object->birth == first)
            first->object->birth = NULL;
    }
}

static void write_birth(struct process *p)
{
    while (p->birth) {
        struct note *oldest = p->birth;
        int depth = 0;
        for (struct process *parent = oldest->subject; parent->birth && depth < DEEP; depth++) {
            oldest = parent->birth;
            parent = oldest->subject;
        }
        if (depth >= DEEP)
            order_write_until(p->birth->when);
        if (!oldest->done)
            write_up_to(oldest);
    }
}

static void write_head(void)
{
    struct note *n = &notes[head % NOTES];
    if (n->subject)
        write_birth(n->subject);
    if (!n->done)
        write_up_to(n);
}

void order_write_until(uint64_t when)
{
    while (head < tail && notes[head % NOTES].when <= when)
        write_head();
}

void order_write_all(void)
{
    while (head < tail)
        write_head();
}

uint64_t order_oldest(void)
{
    return head < tail ? notes[head % NOTES].when : UINT64_MAX;
}

void order_begin(uint64_t when)
{
    beginning = when;
}

/* Whether a note is about anybody; whom it is about stands in it then. */
static bool find(struct note *n)
{
    n->subject = n->object = NULL;
    if (n->kind == NOTE_LOSS)
        return true;
    if (n->kind == NOTE_NAME) {
        struct process *p = process_peek(n->pid);
        if (p) {
            text_drop(p->hint);
            p->hint = text_share(n->name);
            p->hint_at = n->when;
        }
        return false;
    }
    n->subject = n->kind == NOTE_SIGNAL ? process_of_thread(n->pid) : process_of(n->pid);
    if (!n->subject->slot) /* the table is full */
        return false;
    if (n->kind == NOTE_FORK) {
        n->object = process_peek(n->other);
        /* One that a file event came of before has been looked up already; any other had this pid earlier. */
        if (!n->object || n->object->state != PROCESS_ALIVE || n->object->looked <= n->when)
            n->object = process_unborn(n->other);
        return n->object;
    }
    if (n->kind == NOTE_TRACE || n->kind == NOTE_SIGNAL) {
        n->object = process_of_thread(n->other);
        return n->object->slot && n->object != n->subject; /* ES does not report what one does to itself */
    }
    return true;
}

void order_take(const struct note *given)
{
    struct note *n = &notes[tail % NOTES];
    if (tail - head >= NOTES)
        write_head();
    *n = *given;
    n->next = NULL;
    n->done = false;
    if (n->when < beginning || !find(n)) {
        capture_free(n->capture);
        text_drop(n->name);
        return;
    }
    tail++;
    struct process *subject = n->subject, *object = n->object;
    if (object)
        object->pins++;
    if (!subject)
        return;
    subject->pins++;
    if (subject->last)
        subject->last->next = n;
    else
        subject->first = n;
    subject->last = n;
    if (n->kind == NOTE_FORK)
        object->birth = n;
}

struct process *order_owner(int32_t pid, bool exec, uint64_t *when)
{
    struct process *p = process_of(pid);
    if (p->birth)
        write_birth(p);
    if (!exec && p->nopened) { /* it has opened its next image, so it is that image by now, or the exec failed */
        struct note *n = p->first;
        while (n && n->kind != NOTE_EXEC)
            n = n->next;
        if (n)
            write_up_to(n);
        else
            process_forget_opened(p);
    }
    if (p->first && p->first->when < *when)
        *when = p->first->when;
    if (*when < p->changed)
        *when = p->changed;
    return p;
}
