/* Processes: a table by pid, filled by forks and execs, and from /proc where those were not seen. */
#include "es_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define PIDS (1 << 22) /* PID_MAX_LIMIT of 64-bit kernels */
#define PAGE 4096
#define MOST (1 << 18)
#define DEAD_KEPT 4096           /* a file event may come after the exit */
#define DEAD_FOR 1000000000      /* ns after which a dead one's pid may be another's */
#define SAME_START 1000000000    /* ns: a fork is timed more exactly than /proc tells */

/* The versions of a pid stay when its processes are forgotten, so that none ever comes again. */
struct cell {
    uint32_t version, slot; /* slot 0: none */
};

static struct cell *pages[PIDS / PAGE];
static struct process **all;
static uint32_t slots = 1;
static struct process *dead_first, *dead_last;
static unsigned dead;
static uint64_t serials;

static struct cell *cell_of(int32_t pid)
{
    if (pid <= 0 || pid >= PIDS)
        return NULL;
    struct cell **page = &pages[pid / PAGE];
    if (!*page) {
        *page = alloc(sizeof **page * PAGE);
        memset(*page, 0, sizeof **page * PAGE);
    }
    return &(*page)[pid % PAGE];
}

static void set_tty(struct process *p, uint32_t tty)
{
    if (p->tty == tty)
        return;
    text_drop(p->tty_path);
    p->tty_path = proc_tty(tty);
    p->tty = tty;
    p->fresh = false;
}

static void set_parent(struct process *p, int32_t ppid)
{
    struct process *parent = ppid > 0 ? process_peek(ppid) : NULL;
    if (parent && parent->state != PROCESS_ALIVE)
        parent = NULL;
    p->ppid = ppid;
    p->parent = parent;
    p->parent_serial = parent ? parent->serial : 0;
    p->fresh = false;
}

/* What /proc says of it now. */
static void look(struct process *p)
{
    p->looked = now();
    p->fresh = false;
    int dir = proc_open(p->pid);
    struct proc_stat s;
    if (dir < 0)
        return;
    if (proc_stat(dir, &s)) {
        char buf[4096];
        const char *at;
        if (proc_read(dir, "status", buf, sizeof buf) > 0) {
            if ((at = strstr(buf, "\nUid:")))
                sscanf(at, "\nUid: %u %u", &p->ruid, &p->euid);
            if ((at = strstr(buf, "\nGid:")))
                sscanf(at, "\nGid: %u %u", &p->rgid, &p->egid);
        }
        p->auid = proc_number(dir, "loginuid");
        p->asid = proc_number(dir, "sessionid");
        p->group = s.group;
        p->session = s.session;
        set_tty(p, s.tty);
        long ticks = sysconf(_SC_CLK_TCK);
        uint64_t hz = ticks > 0 ? (uint64_t)ticks : 100;
        p->start = boot_time(s.start / hz * 1000000000u + s.start % hz * (1000000000u / hz));
        struct text *exe = s.kernel ? NULL : proc_link(dir, "exe");
        if (exe || !p->known) {
            text_drop(p->executable);
            p->executable = exe;
        }
        if (!p->known)
            p->original_ppid = s.ppid;
        set_parent(p, s.ppid);
        p->known = true;
        p->state = PROCESS_ALIVE;
    }
    close(dir);
}

void process_forget_opened(struct process *p)
{
    for (int i = 0; i < p->nopened; i++)
        text_drop(p->opened[i]);
    p->nopened = 0;
}

/* Makes room for another process in the memory of this one. */
static void clear(struct process *p)
{
    text_drop(p->executable);
    text_drop(p->tty_path);
    text_drop(p->hint);
    process_forget_opened(p);
    *p = (struct process){.slot = p->slot, .blob = p->blob, .blob_cap = p->blob_cap, .serial = ++serials};
    p->ppid = p->original_ppid = p->group = p->session = -1;
    p->ruid = p->euid = p->rgid = p->egid = p->auid = p->asid = PROC_UNSET;
}

static void bury(struct process *p)
{
    p->state = PROCESS_DEAD;
    if (p->buried)
        return;
    p->buried = true;
    p->next = NULL;
    if (dead_last)
        dead_last->next = p;
    else
        dead_first = p;
    dead_last = p;
    dead++;
}

/* The memory of the longest dead, when there are more of them than are kept. */
static struct process *exhume(unsigned kept)
{
    for (unsigned tries = dead; tries && dead > kept; tries--) {
        struct process *p = dead_first;
        dead_first = p->next;
        if (!dead_first)
            dead_last = NULL;
        dead--;
        p->buried = false;
        if (p->state != PROCESS_DEAD) /* it was not dead after all */
            continue;
        if (p->pins) {
            bury(p);
            continue;
        }
        struct cell *c = cell_of(p->pid);
        if (c && c->slot == p->slot)
            c->slot = 0;
        return p;
    }
    return NULL;
}

static struct process *new_process(int32_t pid)
{
    static uint32_t cap;
    struct cell *c = cell_of(pid);
    if (!c)
        return NULL;
    struct process *p = exhume(slots < MOST ? DEAD_KEPT : 0);
    if (!p && slots >= MOST)
        return NULL;
    if (!p) {
        if (slots >= cap)
            all = resize(all, sizeof *all * (cap = cap ? cap * 2 : 1024));
        p = all[slots] = alloc(sizeof *p);
        *p = (struct process){.slot = slots++};
    }
    clear(p);
    p->pid = pid;
    p->version = ++c->version;
    c->slot = p->slot;
    return p;
}

/* One for all that the table has no room for. */
static struct process *unknown(int32_t pid)
{
    static struct process nobody;
        clear(&nobody);
    nobody.pid = pid;
    nobody.state = PROCESS_ALIVE;
    return &nobody;
}

struct process *process_peek(int32_t pid)
{
    struct cell *c = cell_of(pid);
    return c && c->slot ? all[c->slot] : NULL;
}

struct process *process_of(int32_t pid)
{
    struct process *p = process_peek(pid);
    if (p && p->state != PROCESS_DEAD)
        return p;
    if (p) {
        uint64_t t = now();
        if (p->pins || t - p->changed < DEAD_FOR)
            return p;
        p->changed = t;
        char path[32];
        snprintf(path, sizeof path, "/proc/%d", pid);
        if (access(path, F_OK) != 0)
            return p;
    }
    p = new_process(pid);
    if (!p)
        return unknown(pid);
    p->state = PROCESS_ALIVE;
    look(p);
    if (!p->known) {
        p->changed = p->looked;
        bury(p);
    }
    return p;
}

struct process *process_of_thread(int32_t tid)
{
    struct process *p = process_peek(tid);
    if (p && p->state == PROCESS_ALIVE)
        return p;
    char path[40], buf[1024];
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    const char *at = proc_read(AT_FDCWD, path, buf, sizeof buf) > 0 ? strstr(buf, "\nTgid:") : NULL;
    int32_t pid = at ? (int32_t)strtol(at + 6, NULL, 10) : tid;
    return process_of(pid > 0 ? pid : tid);
}

struct process *process_unborn(int32_t pid)
{
    struct process *p = new_process(pid);
    if (p)
        p->state = PROCESS_UNBORN;
    return p;
}

void process_fork(struct process *child, struct process *parent, uint64_t when)
{
    child->state = PROCESS_ALIVE;
    child->known = parent->known;
    child->ruid = parent->ruid;
    child->euid = parent->euid;
    child->rgid = parent->rgid;
    child->egid = parent->egid;
    child->auid = parent->auid;
    child->asid = parent->asid;
    child->group = parent->group;
    child->session = parent->session;
    set_tty(child, parent->tty);
    text_drop(child->executable);
    child->executable = text_share(parent->executable);
    child->start = real_time(when);
    child->original_ppid = parent->pid;
    child->changed = when;
    set_parent(child, parent->pid);
}

void process_exec(struct process *p, struct text *executable, const struct capture *c, uint64_t when)
{
    struct cell *cell = cell_of(p->pid);
    if (cell)
        p->version = ++cell->version;
    text_drop(p->executable);
    p->executable = text_share(executable);
    process_forget_opened(p);
    p->state = PROCESS_ALIVE;
    p->changed = when;
    p->fresh = false;
    if (!c || !c->known)
        return;
    p->group = c->group;
    p->session = c->session;
    p->auid = c->auid;
    p->asid = c->asid;
    set_tty(p, c->tty);
    if (c->ppid != p->ppid)
        set_parent(p, c->ppid);
}

void process_exit(struct process *p, uint64_t when)
{
    p->changed = when;
    bury(p);
}

void process_no_tty(struct process *p)
{
    p->fresh = false;
    set_tty(p, 0);
}

void process_opened(struct process *p, struct path path)
{
    if (p->nopened < OPENED && path.ptr)
        p->opened[p->nopened++] = text_new(path.ptr, path.len);
}

void process_resync(void)
{
    for (uint32_t i = 1; i < slots; i++) {
        struct process *p = all[i];
        if (p->state != PROCESS_ALIVE || !p->pid)
            continue;
        if (kill(p->pid, 0) != 0 && errno == ESRCH) {
            process_exit(p, now());
            continue;
        }
        int64_t start = p->start;
        look(p);
        if (p->start - start > SAME_START || start - p->start > SAME_START) { /* another one has its pid */
            p->version = ++cell_of(p->pid)->version;
            p->original_ppid = p->ppid;
        }
    }
}

void process_init(void)
{
    DIR *proc = opendir("/proc");
    const struct dirent *e;
    while (proc && (e = readdir(proc))) {
        long pid = strtol(e->d_name, NULL, 10);
        if (pid > 0 && pid < PIDS)
            process_of((int32_t)pid);
    }
    if (proc)
        closedir(proc);
    for (uint32_t i = 1; i < slots; i++) /* parents may have come after their children */
        set_parent(all[i], all[i]->ppid);
}

void process_leave_out(int32_t pid, bool files_only)
{
    struct process *p = process_of(pid);
    if (!p->pid || !p->slot)
        return;
    if (files_only)
        p->left_out_files = true;
    else
        p->left_out = true;
}

static size_t put_token(char *o, size_t cap, const struct process *p)
{
    int n = p->known ? snprintf(o, cap,
                                "{\"asid\":%u,\"auid\":%u,\"egid\":%u,\"euid\":%u,\"pid\":%d,\"pidversion\":%u,"
                                "\"rgid\":%u,\"ruid\":%u}",
                                p->asid, p->auid, p->egid, p->euid, p->pid, p->version, p->rgid, p->ruid)
                     : snprintf(o, cap,
                                "{\"asid\":null,\"auid\":null,\"egid\":null,\"euid\":null,\"pid\":%d,\"pidversion\":%u,"
                                "\"rgid\":null,\"ruid\":null}",
                                p->pid, p->version);
    return (size_t)n;
}

static size_t put_known(char *o, size_t cap, const char *name, bool known, int32_t n)
{
    return (size_t)(known ? snprintf(o, cap, ",\"%s\":%d", name, n) : snprintf(o, cap, ",\"%s\":null", name));
}

static size_t put_path(char *o, size_t cap, const struct text *t)
{
    if (!t)
        return (size_t)snprintf(o, cap, "{\"path\":null,\"path_truncated\":false,\"stat\":null}");
    size_t n = (size_t)snprintf(o, cap, "{\"path\":\"");
    memcpy(o + n, t->ptr, t->len);
    n += t->len;
    return n + (size_t)snprintf(o + n, cap - n, "\",\"path_truncated\":false,\"stat\":null}");
}

static void build(struct process *p)
{
    enum { NUMBERS = 1024 }; /* all but the paths is shorter than this */
    size_t cap = NUMBERS + (p->executable ? p->executable->len : 0) + (p->tty_path ? p->tty_path->len : 0), n;
    if (p->blob_cap < cap)
        p->blob = resize(p->blob, p->blob_cap = (uint32_t)cap);
    char *b = p->blob;
    cap = p->blob_cap;
    n = (size_t)snprintf(b, cap, "{\"audit_token\":");
    n += put_token(b + n, cap - n, p);
    n += (size_t)snprintf(b + n, cap - n, ",\"parent_audit_token\":");
    if (p->parent)
        n += put_token(b + n, cap - n, p->parent);
    else
        n += (size_t)snprintf(b + n, cap - n, "null");
    n += (size_t)snprintf(b + n, cap - n, ",\"responsible_audit_token\":null");
    n += put_known(b + n, cap - n, "ppid", p->ppid >= 0, p->ppid);
    n += put_known(b + n, cap - n, "original_ppid", p->original_ppid >= 0, p->original_ppid);
    n += put_known(b + n, cap - n, "group_id", p->group >= 0, p->group);
    n += put_known(b + n, cap - n, "session_id", p->session >= 0, p->session);
    n += (size_t)snprintf(b + n, cap - n,
                          ",\"codesigning_flags\":null,\"is_platform_binary\":null,\"is_es_client\":null,"
                          "\"cdhash\":null,\"signing_id\":null,\"team_id\":null,\"executable\":");
    n += put_path(b + n, cap - n, p->executable);
    n += (size_t)snprintf(b + n, cap - n, ",\"tty\":");
    n += p->tty_path ? put_path(b + n, cap - n, p->tty_path) : (size_t)snprintf(b + n, cap - n, "null");
    n += (size_t)snprintf(b + n, cap - n, ",\"start_time\":");
    if (p->start)
        n += time_text(b + n, p->start, 6);
    else
        n += (size_t)snprintf(b + n, cap - n, "null");
    b[n++] = '}';
    p->blob_len = (uint32_t)n;
    p->fresh = true;
}

const struct process *process_fresh(struct process *p)
{
    struct process *parent = p->parent;
    if (parent && p->state == PROCESS_ALIVE) {
        if (parent->serial != p->parent_serial || parent->state != PROCESS_ALIVE) {
            int32_t ppid = proc_parent(p->pid); /* another one has adopted it */
            if (ppid > 0)
                set_parent(p, ppid);
            else
                p->parent = NULL;
        } else if (parent->version != p->parent_version) {
            p->parent_version = parent->version;
            p->fresh = false;
        }
    }
    if (!p->fresh)
        build(p);
    return p;
}

void put_process(const struct process *p)
{
    if (p)
        put(p->blob, p->blob_len);
    else
        PUT("null");
}
