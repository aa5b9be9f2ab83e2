/* Files: fanotify, read by a thread that does nothing else, and its events as lines. */
#include "es_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/fanotify.h>
#include <time.h>
#include <unistd.h>

/* What the headers of the system we are built on may lack. */
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif
#define INFO_FID 1
#define INFO_DIR_NAME 2
#define INFO_DIR 3
#define INFO_OLD_DIR_NAME 10
#define INFO_NEW_DIR_NAME 12

#define CHUNK (128 << 10)
#define CHUNKS 128
#define EVENT_MOST 4096    /* more than any event takes */
#define NAP 1000000        /* ns between two reads when there is little to read: one wake-up for many events */
#define OLD 500000000      /* ns after which a chunk no longer waits for the connector */

struct chunk {
    uint64_t since, when; /* before and after it was read: all that happened before, if whole, is in it or in those
                           * before it, and nothing that happened after */
    size_t len;
    bool whole; /* the kernel's queue was empty then */
    _Alignas(struct fanotify_event_metadata) uint8_t data[CHUNK];
};

uint64_t files_unknown;
static int fan = -1;
static bool old;      /* before Linux 5.17: no FAN_RENAME, and no handle of what was created, removed or renamed */
static uint64_t mask; /* of the marks */
static atomic_bool resting; /* the reader holds nothing that is not in the queue */

/* Held from reading until it is known in which order: the reader's, and at times the main thread's. */
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
/* Between the reader and the main thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given_back = PTHREAD_COND_INITIALIZER;
static struct chunk *idle[CHUNKS], *ready[CHUNKS];
static unsigned n_idle, n_made;
static uint64_t ready_head, ready_tail;

/* The main thread's: chunks whose removed directories are known already. */
static struct chunk *taken[CHUNKS];
static uint64_t taken_head, taken_tail;

const char *files_open(bool old_kernel)
{
    const unsigned flags = FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_CLOEXEC | FAN_NONBLOCK |
                           FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_FID;
    old = old_kernel;
    if (!old) {
        fan = fanotify_init(flags | FAN_REPORT_TARGET_FID, O_RDONLY);
        old = fan < 0 && errno == EINVAL;
    }
    if (old)
        fan = fanotify_init(flags, O_RDONLY);
    if (fan < 0)
        return errno == EPERM    ? (geteuid() ? "EPERM it takes root"
                                              : "EPERM root has no CAP_SYS_ADMIN here, as in a container")
               : errno == ENOSYS ? "ENOSYS this kernel was built without fanotify"
               : errno == EINVAL ? "EINVAL this kernel is older than Linux 5.9"
                                 : strerror(errno);
    mask = FAN_OPEN_EXEC | FAN_ONDIR;
    mask |= line_wanted[TYPE_OPEN] ? FAN_OPEN : 0;
    mask |= line_wanted[TYPE_CLOSE] ? FAN_CLOSE : 0;
    mask |= line_wanted[TYPE_WRITE] ? FAN_MODIFY : 0;
    mask |= line_wanted[TYPE_ATTRIB] ? FAN_ATTRIB : 0;
    /* These also tell where directories are, which the paths of all others need. */
    mask |= FAN_CREATE | FAN_DELETE | (old ? FAN_MOVE : FAN_RENAME);
    return NULL;
}

bool files_old(void)
{
    return old;
}

int files_mark(const char *path)
{
    return fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, path) ? errno : 0;
}

/* A chunk to read into; NULL: all are full. */
static struct chunk *spare(void)
{
    struct chunk *c = NULL;
    pthread_mutex_lock(&lock);
    bool make = !n_idle && n_made < CHUNKS;
    if (n_idle)
        c = idle[--n_idle];
    n_made += make;
    pthread_mutex_unlock(&lock);
    return make ? alloc(sizeof *c) : c;
}

static struct chunk *next_idle(void)
{
    struct chunk *c;
    while (!(c = spare())) {
        pthread_mutex_lock(&lock);
        while (!n_idle)
            pthread_cond_wait(&given_back, &lock);
        pthread_mutex_unlock(&lock);
    }
    return c;
}

/* Waits: so many ns, or, below 0, until there is something to read. */
static void rest(long ns)
{
    atomic_store(&resting, true);
    if (ns < 0)
        poll(&(struct pollfd){.fd = fan, .events = POLLIN}, 1, -1);
    else
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, ns}, NULL);
    atomic_store(&resting, false);
}

bool files_quiet(void)
{
    /* Between the two looks at it, it may have taken what poll() does not see any more. */
    return atomic_load(&resting) && poll(&(struct pollfd){.fd = fan, .events = POLLIN}, 1, 0) == 0 &&
           atomic_load(&resting);
}

static void *reader(void *unused)
{
    (void)unused;
    struct chunk *c = next_idle();
    for (;;) {
        pthread_mutex_lock(&reading);
        c->since = now();
        ssize_t n = read(fan, c->data, CHUNK);
        int error = errno;
        bool nap = n >= 0 && n < CHUNK - EVENT_MOST;
        if (n > 0) {
            c->when = now();
            c->len = (size_t)n;
            c->whole = nap;
            pthread_mutex_lock(&lock);
            ready[ready_tail++ % CHUNKS] = c;
            pthread_mutex_unlock(&lock);
        }
        pthread_mutex_unlock(&reading);
        if (n > 0) {
            wake();
            c = next_idle();
        }
        if (nap)
            rest(NAP);
        else if (n < 0 && error == EAGAIN)
            rest(-1);
        else if (n < 0 && error != EINTR)
            return NULL;
    }
}

void files_start(void)
{
    start_thread(reader);
}

/* An event's parts, as far as it has them. */
struct event {
    uint64_t mask;
    int32_t pid;
    struct key dir, object, old_dir, new_dir;
    struct path name, old_name, new_name; /* raw */
};

static struct key key_at(const uint8_t *at, size_t len, struct path *name)
{
    struct file_handle head;
    const size_t fixed = 8 + offsetof(struct file_handle, f_handle);
    struct key none = {NULL, 0};
    if (len < fixed)
        return none;
    memcpy(&head, at + 8, offsetof(struct file_handle, f_handle));
    if (head.handle_bytes > MAX_HANDLE_SZ || head.handle_bytes > len - fixed)
        return none;
    size_t n = fixed + head.handle_bytes;
    if (name && n < len)
        *name = (struct path){(const char *)at + n, strnlen((const char *)at + n, len - n)};
    return (struct key){at, (uint32_t)n};
}

/* The next event of a chunk, NULL at its end. */
static const uint8_t *next_event(const struct chunk *c, const uint8_t *at, struct event *e)
{
    struct fanotify_event_metadata m;
    size_t left = (size_t)(c->data + c->len - at);
    if (left < sizeof m)
        return NULL;
    memcpy(&m, at, sizeof m);
    if (m.event_len < sizeof m || m.event_len > left || m.metadata_len < sizeof m || m.metadata_len > m.event_len)
        return NULL;
    *e = (struct event){.mask = m.mask, .pid = m.pid};
    const uint8_t *info = at + m.metadata_len, *end = at + m.event_len;
    while ((size_t)(end - info) >= sizeof(struct fanotify_event_info_header)) {
        struct fanotify_event_info_header h;
        memcpy(&h, info, sizeof h);
        if (h.len < sizeof h || h.len > (size_t)(end - info))
            break;
        const uint8_t *body = info + sizeof h;
        size_t len = h.len - sizeof h;
        switch (h.info_type) {
        case INFO_FID: e->object = key_at(body, len, NULL); break;
        case INFO_DIR: e->dir = key_at(body, len, NULL); break;
        case INFO_DIR_NAME: e->dir = key_at(body, len, &e->name); break;
        case INFO_OLD_DIR_NAME: e->old_dir = key_at(body, len, &e->old_name); break;
        case INFO_NEW_DIR_NAME: e->new_dir = key_at(body, len, &e->new_name); break;
        }
        info += h.len;
    }
    return end;
}

/* A name in a directory, escaped and joined; of a directory itself it is a point. */
struct whole {
    struct path path, dir, name;
    char text[PATH_JSON_MAX + 1 + JSON_MAX * 256];
};

static void name_in(struct whole *w, struct key dir, struct path raw)
{
    w->path = w->name = (struct path){NULL, 0};
    w->dir = place_of(dir);
    if (w->dir.len > PATH_JSON_MAX || raw.len > 255)
        w->dir = raw = (struct path){NULL, 0};
    size_t n = w->dir.len;
    if (n)
        memcpy(w->text, w->dir.ptr, n);
    if (!raw.ptr || (raw.len == 1 && raw.ptr[0] == '.')) {
        if (w->dir.ptr)
            w->path = w->dir = (struct path){w->text, n};
        return;
    }
    if (n != 1)
        w->text[n++] = '/';
    w->name = (struct path){w->text + n, json_escape(w->text + n, raw.ptr, raw.len)};
    if (w->dir.ptr) {
        w->path = (struct path){w->text, n + w->name.len};
        w->dir = (struct path){w->text, n > 1 ? n - 1 : 1};
    }
}

static struct whole here, there;

/* Where an event happened. A file that came without a name is not looked for: it may have many. */
static void locate(const struct event *e)
{
    bool directory = e->mask & FAN_ONDIR;
    struct key none = {NULL, 0};
    name_in(&here, e->dir.ptr ? e->dir : directory ? e->object : none, e->name);
}

static void write_rename(struct process *p, const struct event *e, uint64_t when)
{
    name_in(&here, e->old_dir, e->old_name);
    name_in(&there, e->new_dir, e->new_name);
    if (e->mask & FAN_ONDIR) {
        place_moved(here.path, there.path);
        place_is(e->object, there.path);
    }
    if (!line_wanted[TYPE_RENAME] || noise(p, true, 1))
        return;
    files_unknown += !here.path.ptr || !there.path.ptr;
    event_rename(p ? process_fresh(p) : NULL, here.path, there.dir, there.name, when);
}

/* Before Linux 5.17 a rename is two events: the second one completes it. */
static void write_half(struct process *p, const struct event *e, uint64_t when)
{
    static struct {
        int32_t pid;
        uint64_t mask;
        uint32_t len, name_len;
        uint8_t key[256];
        char name[256];
    } from;
    if (e->mask & FAN_MOVED_TO) { /* with both, it came here before it went on */
        struct event whole = {.mask = FAN_RENAME | (e->mask & FAN_ONDIR), .pid = e->pid};
        whole.new_dir = e->dir;
        whole.new_name = e->name;
        if (from.len && from.pid == e->pid && !((from.mask ^ e->mask) & FAN_ONDIR)) {
            whole.old_dir = (struct key){from.key, from.len};
            whole.old_name = (struct path){from.name, from.name_len};
        } else if (e->mask & FAN_ONDIR) {
            place_forget();
        }
        from.len = 0;
        write_rename(p, &whole, when);
    }
    if (e->mask & FAN_MOVED_FROM && e->dir.len <= sizeof from.key && e->name.len <= sizeof from.name) {
        from.pid = e->pid;
        from.mask = e->mask;
        from.len = e->dir.len;
        from.name_len = (uint32_t)e->name.len;
        memcpy(from.key, e->dir.ptr ? e->dir.ptr : from.key, from.len);
        memcpy(from.name, e->name.ptr ? e->name.ptr : from.name, from.name_len);
    }
}

static void write_one(enum type type, struct process *p, bool modified, uint64_t when)
{
    if (!line_wanted[type])
        return;
    files_unknown += !here.path.ptr;
    if (type == TYPE_UNLINK)
        event_unlink(p ? process_fresh(p) : NULL, here.path, here.dir, when);
    else
        event_file(type, p ? process_fresh(p) : NULL, here.path, modified, when);
}

/* As many lines as an event has kinds in it, in the order in which they can have happened. */
static void write_kinds(struct process *p, const struct event *e, uint64_t when)
{
    bool exec = e->mask & FAN_OPEN_EXEC;
    /* Without a name it is only the number of a file's links that changed: a create or unlink says so. */
    bool attrib = e->mask & FAN_ATTRIB && e->dir.ptr;
    bool directory = e->mask & FAN_ONDIR, created = directory && e->mask & FAN_CREATE;
    unsigned lines = (e->mask & FAN_CREATE && line_wanted[TYPE_CREATE]) +
                     (e->mask & FAN_OPEN && line_wanted[TYPE_OPEN]) +
                     (e->mask & FAN_MODIFY && line_wanted[TYPE_WRITE]) + (attrib && line_wanted[TYPE_ATTRIB]) +
                     (e->mask & FAN_CLOSE_WRITE && line_wanted[TYPE_CLOSE]) +
                     (e->mask & FAN_CLOSE_NOWRITE && line_wanted[TYPE_CLOSE]) +
                     (e->mask & FAN_DELETE && line_wanted[TYPE_UNLINK]);
    bool quiet = noise(p, true, lines);
    if (!exec && !created && (quiet || !lines))
        return;
    locate(e);
    if (created)
        place_is(e->object, here.path);
    if (exec && p)
        process_opened(p, here.path);
    if (quiet)
        return;
    if (e->mask & FAN_CREATE)
        write_one(TYPE_CREATE, p, false, when);
    if (e->mask & FAN_OPEN)
        write_one(TYPE_OPEN, p, false, when);
    if (e->mask & FAN_MODIFY)
        write_one(TYPE_WRITE, p, false, when);
    if (attrib)
        write_one(TYPE_ATTRIB, p, false, when);
    if (e->mask & FAN_CLOSE_WRITE)
        write_one(TYPE_CLOSE, p, true, when);
    if (e->mask & FAN_CLOSE_NOWRITE)
        write_one(TYPE_CLOSE, p, false, when);
    if (e->mask & FAN_DELETE)
        write_one(TYPE_UNLINK, p, false, when);
}

static void write_event(const struct event *e, uint64_t when)
{
    if (e->mask & FAN_Q_OVERFLOW) {
        place_forget();
        line_loss(when, "the kernel's queue of file events overflowed");
        return;
    }
    struct process *p = e->pid > 0 ? order_owner(e->pid, e->mask & FAN_OPEN_EXEC, &when) : NULL;
    if (e->mask & FAN_RENAME && !old)
        write_rename(p, e, when); /* the kernel merges it with nothing else */
    else
        write_kinds(p, e, when);
    if (e->mask & FAN_MOVE && old)
        write_half(p, e, when);
}

/* Whether an event moves or removes a directory, so that another place is known by it. */
static bool displaces(const struct event *e, struct key *parent, struct path *name)
{
    bool moves = e->mask & FAN_RENAME && !old;
    *parent = moves ? e->old_dir : e->dir;
    *name = moves ? e->old_name : e->name;
    return e->mask & FAN_ONDIR && (moves || e->mask & FAN_DELETE) && e->object.ptr && parent->ptr && name->ptr &&
           name->len <= 255;
}

static void look_ahead(const struct chunk *c, size_t from)
{
    static char escaped[JSON_MAX * 256];
    struct event e;
    struct key parent;
    struct path name;
    for (const uint8_t *at = c->data + from; (at = next_event(c, at, &e));)
        if (displaces(&e, &parent, &name))
            place_until(e.object, parent, (struct path){escaped, json_escape(escaped, name.ptr, name.len)},
                        e.mask & FAN_RENAME && !old);
}

void files_take(void)
{
    pthread_mutex_lock(&lock);
    uint64_t from = taken_tail;
    while (ready_head < ready_tail)
        taken[taken_tail++ % CHUNKS] = ready[ready_head++ % CHUNKS];
    pthread_mutex_unlock(&lock);
    for (; from < taken_tail; from++)
        look_ahead(taken[from % CHUNKS], 0);
}

void files_catch_up(void)
{
    pthread_mutex_lock(&reading);
    files_take();
    /* Into the last chunk, but not into the one that is being written: what comes now may be newer than it may be. */
    struct chunk *c = taken_tail - taken_head > 1 ? taken[(taken_tail - 1) % CHUNKS] : NULL;
    if (!c || CHUNK - c->len <= EVENT_MOST) {
        c = spare();
        if (c) {
            c->len = 0;
            c->whole = false;
            taken[taken_tail++ % CHUNKS] = c;
        }
    }
    size_t from = c ? c->len : 0, room = CHUNK - from;
    ssize_t n = 0;
    if (c) {
        c->since = now();
        n = read(fan, c->data + from, room);
        c->when = now();
    }
    if (n > 0) {
        c->len += (size_t)n;
        look_ahead(c, from);
    }
    if (c) /* of a read that fails because there is nothing, too */
        c->whole = n < (ssize_t)(room - EVENT_MOST);
    pthread_mutex_unlock(&reading);
}

bool files_waiting(void)
{
    return taken_head < taken_tail;
}

bool files_write_one(uint64_t heard)
{
    if (taken_head == taken_tail)
        return false;
    struct chunk *c = taken[taken_head % CHUNKS];
    if (c->when > heard && now() - c->when < OLD)
        return false;
    struct event e;
    struct key parent;
    struct path name;
    for (const uint8_t *at = c->data; (at = next_event(c, at, &e));) {
        bool displaced = displaces(&e, &parent, &name);
        write_event(&e, c->when);
        if (displaced)
            place_come(e.object, e.mask & FAN_RENAME && !old);
    }
    if (c->whole)
        order_write_until(c->since);
    taken_head++;
    pthread_mutex_lock(&lock);
    idle[n_idle++] = c;
    pthread_mutex_unlock(&lock);
    pthread_cond_signal(&given_back);
    return true;
}
