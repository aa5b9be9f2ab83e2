/* Mounts: /proc/self/mountinfo, looked at whenever it changes; every real file system in it is marked. */
#include "es_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Not files of a disk or of memory; or somebody else answers for them, and a machine that does not answer must not
 * keep us waiting. */
static const char *const UNREAL[] = {
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
    "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "smackfs",
    "sysfs", "tracefs",
};
static const char *const REMOTE[] = {"9p", "afs", "ceph", "cifs", "fuse", "nfs", "nfs4", "smb3", "virtiofs"};

static struct mount *mounts;
static size_t n_mounts, cap;
static int info = -1, root = -1;
static uint64_t root_fsid;
static bool first = true;

static bool among(const char *type, const char *const *names, size_t n)
{
    size_t len = strcspn(type, "."); /* fuse.sshfs */
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) == len && memcmp(names[i], type, len) == 0)
            return true;
    return false;
}

#define AMONG(type, names) among(type, names, sizeof(names) / sizeof *(names))

/* A field of mountinfo, its octal escapes undone. */
static char *unescape(const char *from, size_t len)
{
    char *text = alloc(len + 1), *o = text;
    for (size_t i = 0; i < len;) {
        if (from[i] == '\\' && i + 3 < len && from[i + 1] >= '0' && from[i + 1] <= '3') {
            *o++ = (char)((from[i + 1] - '0') << 6 | (from[i + 2] & 7) << 3 | (from[i + 3] & 7));
            i += 4;
        } else {
            *o++ = from[i++];
        }
    }
    *o = 0;
    return text;
}

static void drop(struct mount *m)
{
    free(m->root);
    free(m->point);
    free(m->type);
    free(m->source);
}

/* One line. False: it is not like one. */
static bool parse(const char *line, struct mount *m)
{
    const char *fields[64];
    size_t lens[64], n = 0, dash = 0;
    for (const char *p = line; *p && n < 64; n++) {
        fields[n] = p;
        lens[n] = strcspn(p, " ");
        if (n > 5 && !dash && lens[n] == 1 && *p == '-')
            dash = n;
        p += lens[n];
        p += *p == ' ';
    }
    if (!dash || dash + 2 >= n)
        return false;
    *m = (struct mount){.id = atoi(fields[0])};
    if (sscanf(fields[2], "%u:%u", &m->major, &m->minor) != 2)
        return false;
    m->root = unescape(fields[3], lens[3]);
    m->point = unescape(fields[4], lens[4]);
    m->type = unescape(fields[dash + 1], lens[dash + 1]);
    m->source = unescape(fields[dash + 2], lens[dash + 2]);
    return true;
}

static char *read_info(void)
{
    size_t len = 0, size = 1 << 16;
    char *text = alloc(size);
    ssize_t n;
    lseek(info, 0, SEEK_SET);
    while ((n = read(info, text + len, size - 1 - len)) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        len += n > 0 ? (size_t)n : 0;
        if (len == size - 1)
            text = resize(text, size *= 2);
    }
    text[len] = 0;
    return text;
}

static bool watched_already(const struct mount *m)
{
    for (size_t i = 0; i < n_mounts; i++)
        if (mounts[i].watched && mounts[i].major == m->major && mounts[i].minor == m->minor)
            return true;
    return false;
}

/* Marks its file system, unless another mount of it was marked, and finds out by which number its events go. */
static void watch(struct mount *m)
{
    struct stat s;
    struct statfs fs;
    if (AMONG(m->type, UNREAL))
        return;
    if (AMONG(m->type, REMOTE)) {
        if (first)
            say("%s (%s) is not watched: it is answered for elsewhere", m->point, m->type);
        return;
    }
    /* Another mount may lie above it, and then its path leads there. */
    if (lstat(m->point, &s) != 0 || !S_ISDIR(s.st_mode))
        return;
    bool same = major(s.st_dev) == m->major && minor(s.st_dev) == m->minor;
    if (!same && strcmp(m->type, "btrfs") != 0)
        return;
    if (statfs(m->point, &fs) != 0)
        return;
    memcpy(&m->fsid, &fs.f_fsid, sizeof m->fsid);
    if (watched_already(m)) {
        m->watched = true;
        return;
    }
    int error = files_mark(m->point);
    if (error)
        say("%s (%s) is not watched: %s", m->point, m->type, strerror(error));
    m->watched = !error;
}

void mounts_look(void)
{
    uint64_t when = now();
    char *text = read_info(), *save = NULL;
    for (size_t i = 0; i < n_mounts; i++)
        mounts[i].seen = false;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct mount m;
        size_t i = 0;
        if (!parse(line, &m))
            continue;
        while (i < n_mounts && (mounts[i].id != m.id || strcmp(mounts[i].point, m.point) != 0 ||
                                mounts[i].major != m.major || mounts[i].minor != m.minor))
            i++;
        if (i < n_mounts) {
            mounts[i].seen = true;
            drop(&m);
            continue;
        }
        m.seen = true;
        watch(&m);
        if (!first && line_wanted[TYPE_MOUNT])
            event_mount(true, &m, when);
        if (n_mounts == cap)
            mounts = resize(mounts, sizeof *mounts * (cap = cap ? cap * 2 : 64));
        mounts[n_mounts++] = m;
    }
    free(text);
    size_t kept = 0;
    for (size_t i = 0; i < n_mounts; i++) {
        if (mounts[i].seen) {
            mounts[kept++] = mounts[i];
            continue;
        }
        if (line_wanted[TYPE_UNMOUNT])
            event_mount(false, &mounts[i], when);
        drop(&mounts[i]);
    }
    n_mounts = kept;
    first = false;
}

void mounts_init(void)
{
    struct statfs fs;
    info = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0 && fstatfs(root, &fs) == 0)
        memcpy(&root_fsid, &fs.f_fsid, sizeof root_fsid);
    mounts_look();
}

int mounts_fd(void)
{
    return info;
}

/* Only the root is kept open: any other must stay free to be unmounted. */
int mounts_open(uint64_t fsid)
{
    const struct mount *best = NULL;
    if (fsid == root_fsid)
        return root;
    for (size_t i = 0; i < n_mounts; i++) {
        const struct mount *m = &mounts[i];
        if (m->watched && m->fsid == fsid && (!best || (strcmp(best->root, "/") != 0 && strcmp(m->root, "/") == 0)))
            best = m;
    }
    return best ? open(best->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME) : -1;
}

void mounts_close(int fd)
{
    if (fd != root)
        close(fd);
}
