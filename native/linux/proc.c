/* /proc: what the kernel says of a process now, from any thread. */
#include "es_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MOST (8 << 20)      /* of one exec */
#define CAPTURED_MOST (32 << 20) /* of all that wait */

static atomic_size_t captured;

ssize_t proc_read(int dir, const char *name, char *buf, size_t cap)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    size_t done = 0;
    ssize_t n;
    while (done < cap - 1 && (n = read(fd, buf + done, cap - 1 - done)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    close(fd);
    buf[done] = 0;
    return (ssize_t)done;
}

/* Where a link of /proc leads, or NULL. What was deleted is still named. */
struct text *proc_link(int dir, const char *name)
{
    static const char deleted[] = " (deleted)";
    const size_t mark = sizeof deleted - 1;
    char path[4096];
    ssize_t n = readlinkat(dir, name, path, sizeof path);
    if (n <= 0 || (size_t)n >= sizeof path || path[0] != '/')
        return NULL;
    size_t len = (size_t)n;
    struct stat s;
    if (len > mark && memcmp(path + len - mark, deleted, mark) == 0 && fstatat(dir, name, &s, 0) == 0 &&
        s.st_nlink == 0)
        len -= mark;
    return text_escaped(path, len);
}

int proc_open(int32_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool proc_stat(int dir, struct proc_stat *out)
{
    char buf[2048];
    if (proc_read(dir, "stat", buf, sizeof buf) <= 0)
        return false;
    const char *p = strrchr(buf, ')'); /* the name before it may hold anything */
    if (!p)
        return false;
    long long field[20] = {0};
    char *end = NULL;
    for (p++; *p == ' '; p++) {}
    if (*p)
        p++; /* the state */
    for (int i = 0; i < 19; i++, p = end) {
        field[i] = strtoll(p, &end, 10);
        if (end == p)
            return false;
    }
    *out = (struct proc_stat){
        .ppid = (int32_t)field[0],
        .group = (int32_t)field[1],
        .session = (int32_t)field[2],
        .tty = (uint32_t)field[3],
        .start = (uint64_t)field[18],
        .kernel = field[5] & 0x200000, /* PF_KTHREAD */
    };
    return true;
}

uint32_t proc_number(int dir, const char *name)
{
    char buf[32];
    return proc_read(dir, name, buf, sizeof buf) > 0 ? (uint32_t)strtoul(buf, NULL, 10) : PROC_UNSET;
}

int32_t proc_parent(int32_t pid)
{
    int dir = proc_open(pid);
    struct proc_stat s = {0};
    if (dir >= 0) {
        proc_stat(dir, &s);
        close(dir);
    }
    return s.ppid;
}

struct text *proc_tty(uint32_t device)
{
    static struct {
        uint32_t device;
        struct text *path;
    } known[16];
    static unsigned turn;
    unsigned ma = (device >> 8) & 0xfff, mi = (device & 0xff) | ((device >> 12) & 0xfff00);
    char path[512], link[64];
    if (!device)
        return NULL;
    for (size_t i = 0; i < 16; i++)
        if (known[i].device == device)
            return text_share(known[i].path);
    size_t len = 0;
    if (ma >= 136 && ma <= 143) {
        len = (size_t)snprintf(path, sizeof path, "/dev/pts/%u", (ma - 136) * 256 + mi);
    } else {
        snprintf(link, sizeof link, "/sys/dev/char/%u:%u", ma, mi);
        char target[400];
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n > 0) {
            target[n] = 0;
            const char *name = strrchr(target, '/');
            len = (size_t)snprintf(path, sizeof path, "/dev/%s", name ? name + 1 : target);
        }
    }
    struct text *found = len ? text_escaped(path, len) : NULL;
    text_drop(known[turn].path);
    known[turn].device = device;
    known[turn].path = text_share(found);
    turn = (turn + 1) % 16;
    return found;
}

struct capture *capture_exec(int32_t pid)
{
    struct capture *c = alloc(sizeof *c);
    *c = (struct capture){0};
    int dir = proc_open(pid);
    if (dir < 0)
        return c;
    size_t cap = 4096, room = CAPTURED_MOST - atomic_load(&captured);
    char *args = alloc(cap);
    ssize_t n = proc_read(dir, "cmdline", args, cap);
    while (n == (ssize_t)cap - 1 && cap < ARGS_MOST && cap * 4 < room) {
        args = resize(args, cap *= 4);
        n = proc_read(dir, "cmdline", args, cap);
    }
    if (n > 0 && n < (ssize_t)cap - 1) { /* half of the arguments would be a wrong list */
        c->args = resize(args, (size_t)n);
        c->args_len = (size_t)n;
        atomic_fetch_add(&captured, c->args_len);
    } else {
        free(args);
    }
    c->executable = proc_link(dir, "exe");
    c->cwd = proc_link(dir, "cwd");
    struct proc_stat s;
    if (c->executable && proc_stat(dir, &s)) { /* a zombie has no executable */
        c->known = true;
        c->ppid = s.ppid;
        c->group = s.group;
        c->session = s.session;
        c->tty = s.tty;
        c->auid = proc_number(dir, "loginuid");
        c->asid = proc_number(dir, "sessionid");
    }
    close(dir);
    return c;
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    atomic_fetch_sub(&captured, c->args ? c->args_len : 0);
    text_drop(c->executable);
    text_drop(c->cwd);
    free(c->args);
    free(c);
}
