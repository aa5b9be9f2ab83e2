/* Traces: a tracefs instance of our own, for the signals that are sent and for the names of what is executed.
 *
 * Its buffers are read as they are, for in their text a file name could pass for an event. */
#include "es_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPUS 1024
#define PAGE_MOST (64 << 10)
#define NOTES 4096
/* Sent by a process: kill, sigqueue, tgkill; not by the kernel, a timer or a terminal. */
#define FILTER "code == 0 || code == -1 || code == -6"

struct field {
    unsigned offset, size;
};

static int mount_fd = -1, instance = -1;
static char name[32];
static int pipes[CPUS];
static int n_pipes;
static unsigned exec_id, signal_id, data_offset;
/* What was read, by time, and is not in order with the connector's yet. */
static struct note notes[NOTES];
static size_t n_notes;
static struct field file_name, exec_pid, sig, code, signalled, result;

static int tracefs(void)
{
#ifdef SYS_fsopen
    int context = (int)syscall(SYS_fsopen, "tracefs", 1 /* FSOPEN_CLOEXEC */);
    if (context < 0)
        return -1;
    int fd = -1;
    if (syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
        fd = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0);
    int error = errno;
    close(context);
    errno = error;
    return fd;
#else
    return open("/sys/kernel/tracing", O_PATH | O_DIRECTORY | O_CLOEXEC);
#endif
}

static ssize_t get(const char *path, char *buf, size_t size)
{
    int fd = openat(instance, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buf, size - 1);
    close(fd);
    buf[n > 0 ? n : 0] = 0;
    return n;
}

static bool set(const char *path, const char *value)
{
    int fd = openat(instance, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, value, strlen(value));
    close(fd);
    return n == (ssize_t)strlen(value);
}

/* Where a field stands, by the kernel's own description. */
static bool find(const char *format, const char *field, struct field *out)
{
    char end[40];
    snprintf(end, sizeof end, " %s;", field);
    const char *at = strstr(format, end);
    return at && sscanf(at + strlen(end), " offset:%u; size:%u;", &out->offset, &out->size) == 2 && out->size >= 4 &&
           out->size <= 64 && out->offset < 4096;
}

static bool read_formats(void)
{
    char format[4096];
    struct field data;
    const char *at;
    if (get("events/header_page", format, sizeof format) <= 0 || !(at = strstr(format, "data;")) ||
        sscanf(at + 5, " offset:%u; size:%u;", &data.offset, &data.size) != 2 || data.offset < 12 || data.offset > 64)
        return false;
    data_offset = data.offset;
    if (get("events/signal/signal_generate/format", format, sizeof format) <= 0 || !(at = strstr(format, "ID: ")) ||
        sscanf(at, "ID: %u", &signal_id) != 1 || !find(format, "sig", &sig) || !find(format, "code", &code) ||
        !find(format, "pid", &signalled) || !find(format, "result", &result))
        return false;
    if (get("events/sched/sched_process_exec/format", format, sizeof format) <= 0 || !(at = strstr(format, "ID: ")) ||
        sscanf(at, "ID: %u", &exec_id) != 1 || !find(format, "filename", &file_name) || !find(format, "pid", &exec_pid))
        return false;
    return true;
}

/* Instances whose recorder is gone: it was killed, or the power failed. */
static void remove_stale(void)
{
    int fd = openat(mount_fd, "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    char comm[64], path[64];
    while (dir && (e = readdir(dir))) {
        int pid, end = 0;
        if (sscanf(e->d_name, "estui-%d%n", &pid, &end) != 1 || e->d_name[end] || pid <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/comm", pid);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = file < 0 ? 0 : read(file, comm, sizeof comm - 1);
        if (file >= 0)
            close(file);
        comm[n > 0 ? n : 0] = 0;
        if (pid == getpid() || strcmp(comm, "estui-linux\n") != 0)
            unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

static const char *words_of(int error)
{
    switch (error) {
    case ENODEV: return "ENODEV this kernel was built without tracefs";
    case EPERM:
    case EACCES: return "EPERM it takes root with CAP_SYS_ADMIN, and a kernel that is not locked down";
    default: return strerror(error);
    }
}

const char *trace_possible(void)
{
    int fd = tracefs();
    if (fd < 0)
        return words_of(errno);
    bool ok = faccessat(fd, "events/signal/signal_generate/enable", F_OK, 0) == 0;
    close(fd);
    return ok ? NULL : "ENOENT this kernel was built without its trace points";
}

const char *trace_open(void)
{
    char path[64];
    mount_fd = tracefs();
    if (mount_fd < 0)
        return words_of(errno);
    remove_stale();
    snprintf(name, sizeof name, "instances/estui-%d", (int)getpid());
    if (mkdirat(mount_fd, name, 0700) != 0) {
        name[0] = 0;
        return words_of(errno);
    }
    instance = openat(mount_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (instance < 0 || !read_formats() || !set("trace_clock", "mono")) {
        trace_close();
        return "ENOENT this kernel was built without its trace points";
    }
    set("buffer_percent", "0"); /* wake at the first event */
    set("buffer_size_kb", "512");
    set("events/signal/signal_generate/filter", FILTER);
    if (!set("events/signal/signal_generate/enable", "1") || !set("events/sched/sched_process_exec/enable", "1")) {
        trace_close();
        return "EINVAL its trace points cannot be enabled";
    }
    for (int cpu = 0; cpu < CPUS; cpu++) {
        snprintf(path, sizeof path, "per_cpu/cpu%d/trace_pipe_raw", cpu);
        int fd = openat(instance, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            pipes[n_pipes++] = fd;
        else if (errno != ENOENT)
            break;
        else if (faccessat(instance, path, F_OK, 0) != 0 && cpu >= sysconf(_SC_NPROCESSORS_CONF))
            break;
    }
    return NULL;
}

void trace_close(void)
{
    while (n_pipes)
        close(pipes[--n_pipes]);
    if (instance >= 0) {
        set("events/enable", "0");
        close(instance);
    }
    if (name[0] && unlinkat(mount_fd, name, AT_REMOVEDIR) != 0)
        say("the tracefs instance %s is still there: %s", name, strerror(errno));
    if (mount_fd >= 0)
        close(mount_fd);
    name[0] = 0;
    instance = mount_fd = -1;
}

int trace_fds(int *fds, int most)
{
    int n = n_pipes < most ? n_pipes : most;
    memcpy(fds, pipes, sizeof *fds * (size_t)n);
    return n;
}

static int32_t number(const uint8_t *record, size_t len, struct field f)
{
    int32_t n = 0;
    if (f.offset + sizeof n <= len)
        memcpy(&n, record + f.offset, sizeof n);
    return n;
}

static void add(struct note n)
{
    if (n_notes == NOTES)
        trace_take(UINT64_MAX);
    size_t at = n_notes++;
    for (; at && notes[at - 1].when > n.when; at--) /* each processor's are in order, so this is short */
        notes[at] = notes[at - 1];
    notes[at] = n;
}

static void hear(const uint8_t *record, size_t len, uint64_t when)
{
    uint16_t type;
    if (len < 8)
        return;
    memcpy(&type, record, sizeof type);
    struct note n = {.when = when};
    if (type == exec_id) {
        uint32_t place = (uint32_t)number(record, len, file_name), at = place & 0xffff, size = place >> 16;
        if (at >= len || size > len - at || !size || record[at] != '/')
            return; /* a relative one says nothing without the directory */
        n.kind = NOTE_NAME;
        n.pid = number(record, len, exec_pid);
        n.name = text_escaped((const char *)record + at, strnlen((const char *)record + at, size));
        add(n);
    } else if (type == signal_id) {
        int32_t c = number(record, len, code), r = number(record, len, result);
        n.kind = NOTE_SIGNAL;
        n.pid = number(record, len, (struct field){4, 4});
        n.other = number(record, len, signalled);
        n.a = (uint32_t)number(record, len, sig);
        if ((c == 0 || c == -1 || c == -6) && r != 3 && n.pid > 0 && n.other > 0) /* 3: it could not be queued */
            add(n);
    }
}

/* A page of the kernel's ring buffer: events with the time since the one before. */
static void hear_page(const uint8_t *page, size_t len)
{
    enum { PADDING = 29, EXTEND, STAMP };
    struct head {
        unsigned type_len : 5, delta : 27;
    } h;
    uint64_t when, commit = 0;
    if (len < data_offset)
        return;
    memcpy(&when, page, sizeof when);
    memcpy(&commit, page + 8, data_offset - 8 < 8 ? data_offset - 8 : 8);
    if (commit & 1u << 31)
        add((struct note){.when = when, .kind = NOTE_LOSS, .why = "the kernel's trace buffer overflowed"});
    size_t at = data_offset, end = data_offset + (size_t)(commit & ((1u << 27) - 1));
    if (end > len)
        end = len;
    while (end - at >= sizeof h + 4) {
        uint32_t first;
        memcpy(&h, page + at, sizeof h);
        memcpy(&first, page + at + 4, sizeof first);
        size_t data = at + 4, size;
        if (h.type_len == PADDING && !h.delta)
            return;
        if (h.type_len == EXTEND || h.type_len == STAMP) {
            uint64_t high = (uint64_t)first << 27;
            when = h.type_len == EXTEND ? when + high + h.delta : (when & 0xf8ull << 56) | high | h.delta;
            at += 8;
            continue;
        }
        if (h.type_len == PADDING || h.type_len == 0) {
            size = first; /* counts itself */
            if (size < 4)
                return;
            data += h.type_len == 0 ? 4 : 0;
            size -= h.type_len == 0 ? 4 : 0;
        } else {
            size = h.type_len * 4u;
        }
        if (size > end - data)
            return;
        when += h.delta;
        if (h.type_len != PADDING)
            hear(page + data, size, when);
        at = data + size;
    }
}

void trace_read(void)
{
    static _Alignas(8) uint8_t page[PAGE_MOST];
    ssize_t n;
    for (int i = 0; i < n_pipes; i++)
        for (int pages = 0; pages < 64 && (n = read(pipes[i], page, sizeof page)) > 0; pages++)
            hear_page(page, (size_t)n);
}

void trace_take(uint64_t until)
{
    size_t n = 0;
    while (n < n_notes && notes[n].when <= until)
        order_take(&notes[n++]);
    memmove(notes, notes + n, sizeof *notes * (n_notes -= n));
}

bool trace_waiting(void)
{
    return n_notes;
}
