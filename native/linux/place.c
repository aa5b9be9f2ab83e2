/* Places: where directories are, by file handle, at the place in the order of events that is being written.
 *
 * What was found out once is not asked for again until it moves. A directory that moves takes all below it along, so
 * moves are numbered and kept for a while, and a place catches up on those since it was asked for last; when too many
 * have been, it is found out anew. The kernel can only say where a directory is by now, which is after the events that
 * have been read and not written yet: those that move or remove a directory are known ahead, and tell where it was. */
#include "es_linux.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETS (1 << 14) /* a power of two */
#define WAYS 4
#define MOVES 256 /* a power of two */
#define COMING 4096
#define DEEP 256

struct place {
    uint64_t hash;
    uint64_t moves;    /* it is as of that many */
    uint32_t key_len, path_len;
    char bytes[]; /* the key, the path */
};

struct move {
    struct text *from, *to;
};

/* An event to come: where a directory is until then. */
struct coming {
    struct coming *next; /* with the same end of the hash */
    uint64_t hash;
    uint32_t key_len, parent_len, name_len;
    uint8_t bytes[];
};

static struct place *places[SETS * WAYS];
static uint8_t turns[SETS];
static struct move last_moves[MOVES];
static uint64_t moved;
static struct coming *coming[COMING], **coming_end[COMING];
static uint64_t moving; /* how many of them are moves */

static uint64_t hash_of(struct key k)
{
    uint64_t h = 0x9e3779b97f4a7c15u * (k.len + 1);
    for (uint32_t i = 0; i < k.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, k.ptr + i, k.len - i < 8 ? k.len - i : 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

static struct place **slot_of(struct key k, uint64_t hash)
{
    struct place **set = &places[(hash & (SETS - 1)) * WAYS];
    for (int i = 0; i < WAYS; i++)
        if (set[i] && set[i]->hash == hash && set[i]->key_len == k.len && memcmp(set[i]->bytes, k.ptr, k.len) == 0)
            return &set[i];
    return NULL;
}

static struct path path_of(const struct place *p)
{
    return (struct path){p->bytes + p->key_len, p->path_len};
}

static struct path keep(struct key k, struct path path)
{
    uint64_t hash = hash_of(k);
    struct place *p = alloc(sizeof *p + k.len + path.len), **slot = slot_of(k, hash);
    if (!slot) {
        uint64_t set = hash & (SETS - 1);
        slot = &places[set * WAYS + turns[set]];
        turns[set] = (uint8_t)((turns[set] + 1) % WAYS);
    }
    *p = (struct place){.hash = hash, .moves = moved, .key_len = k.len, .path_len = (uint32_t)path.len};
    memcpy(p->bytes, k.ptr, k.len);
    memcpy(p->bytes + k.len, path.ptr, path.len);
    free(*slot);
    *slot = p;
    return path_of(p);
}

/* Brings a place up to date. False: it must be found out anew. */
static bool catch_up(struct place **slot)
{
    struct place *p = *slot;
    if (moved - p->moves > MOVES)
        return false;
    for (; p->moves < moved; p->moves++) {
        const struct move *m = &last_moves[p->moves & (MOVES - 1)];
        struct path path = path_of(p);
        if (!m->from)
            return false;
        size_t n = m->from->len;
        if (path.len < n || memcmp(path.ptr, m->from->ptr, n) != 0 || (path.len > n && path.ptr[n] != '/'))
            continue;
        size_t rest = path.len - n, len = m->to->len + rest;
        if (len > PATH_JSON_MAX)
            return false;
        struct place *q = alloc(sizeof *q + p->key_len + len);
        memcpy(q, p, sizeof *q + p->key_len);
        memcpy(q->bytes + q->key_len, m->to->ptr, m->to->len);
        memcpy(q->bytes + q->key_len + m->to->len, path.ptr + n, rest);
        q->path_len = (uint32_t)len;
        free(p);
        p = *slot = q;
    }
    return true;
}

static struct path join(char *out, struct path dir, struct path name)
{
    size_t n = dir.len;
    if (!dir.ptr || dir.len + 1 + name.len > PATH_JSON_MAX)
        return (struct path){NULL, 0};
    memcpy(out, dir.ptr, n);
    if (n != 1) /* all but the root */
        out[n++] = '/';
    memcpy(out + n, name.ptr, name.len);
    return (struct path){out, n + name.len};
}

static struct path find(struct key, int depth);

static struct path join_and_keep(struct key k, struct path dir, struct path name)
{
    char *path = alloc(PATH_JSON_MAX);
    struct path whole = join(path, dir, name);
    if (whole.ptr)
        whole = keep(k, whole);
    free(path);
    return whole;
}

static struct path find_coming(struct key k, uint64_t hash, int depth)
{
    for (const struct coming *c = coming[hash % COMING]; c; c = c->next) {
        if (c->hash != hash || c->key_len != k.len || memcmp(c->bytes, k.ptr, k.len) != 0)
            continue;
        struct path dir = find((struct key){c->bytes + k.len, c->parent_len}, depth + 1);
        return join_and_keep(k, dir, (struct path){(const char *)c->bytes + k.len + c->parent_len, c->name_len});
    }
    return (struct path){NULL, 0};
}

/* Where the kernel says that a directory is now: the length of its path, or 0. */
static size_t path_now(int fd, char *raw, size_t size)
{
    static const char deleted[] = " (deleted)";
    const size_t mark = sizeof deleted - 1;
    char link[40];
    struct stat s;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, raw, size);
    size_t len = n > 0 && (size_t)n < size ? (size_t)n : 0;
    if (len > mark && memcmp(raw + len - mark, deleted, mark) == 0 && fstat(fd, &s) == 0 && s.st_nlink == 0)
        len -= mark;
    return len && raw[0] == '/' ? len : 0;
}

union handle {
    struct file_handle handle;
    uint8_t bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

/* The directory above an open one, as a key in buf; none for the root of a file system. */
static struct key above(int fd, const uint8_t *fsid, uint8_t *buf)
{
    const size_t fixed = offsetof(struct file_handle, f_handle);
    struct key none = {NULL, 0};
    union handle h, own;
    int mount, own_mount;
    own.handle.handle_bytes = h.handle.handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(fd, "..", &h.handle, &mount, 0) != 0 ||
        name_to_handle_at(fd, "", &own.handle, &own_mount, AT_EMPTY_PATH) != 0 || mount != own_mount)
        return none;
    size_t len = fixed + h.handle.handle_bytes;
    if (len == fixed + own.handle.handle_bytes && memcmp(&h, &own, len) == 0)
        return none;
    memcpy(buf, fsid, 8);
    memcpy(buf + 8, &h, len);
    return (struct key){buf, (uint32_t)(8 + len)};
}

static struct path ask(struct key k, uint64_t hash, int depth)
{
    static char escaped[PATH_JSON_MAX];
    char raw[4096]; /* not static: this is called again for the directory above */
    struct path none = {NULL, 0};
    uint64_t fsid;
    union handle h;
    memcpy(&fsid, k.ptr, sizeof fsid);
    if (k.len - sizeof fsid > sizeof h || depth >= DEEP)
        return none;
    memcpy(&h, k.ptr + sizeof fsid, k.len - sizeof fsid);
    int mount = mounts_open(fsid);
    if (mount < 0)
        return none;
    int fd = open_by_handle_at(mount, &h.handle, O_PATH | O_CLOEXEC);
    mounts_close(mount);
    size_t len = fd < 0 ? 0 : path_now(fd, raw, sizeof raw);
    files_catch_up(); /* now all is known that was before the answer */
    if (!len || !moving) {
        if (fd >= 0)
            close(fd);
        return len ? keep(k, (struct path){escaped, json_escape(escaped, raw, len)}) : find_coming(k, hash, depth);
    }
    /* It, or one above it, may have been elsewhere: go up by handles. */
    uint8_t buf[8 + sizeof(union handle)];
    struct key parent = above(fd, k.ptr, buf);
    close(fd);
    struct path found = find_coming(k, hash, depth);
    if (found.ptr)
        return found;
    const char *slash = memrchr(raw, '/', len);
    if (!parent.ptr || !slash)
        return keep(k, (struct path){escaped, json_escape(escaped, raw, len)});
    char name[JSON_MAX * 256];
    size_t n = (size_t)(raw + len - slash - 1);
    if (n > 255)
        return none;
    struct path last = {name, json_escape(name, slash + 1, n)};
    return join_and_keep(k, find(parent, depth + 1), last);
}

static struct path find(struct key k, int depth)
{
    uint64_t hash = hash_of(k);
    struct place **slot = slot_of(k, hash);
    if (depth > DEEP)
        return (struct path){NULL, 0};
    if (slot) {
        if (catch_up(slot))
            return path_of(*slot);
        free(*slot);
        *slot = NULL;
    }
    struct path p = moving ? find_coming(k, hash, depth) : (struct path){NULL, 0};
    return p.ptr ? p : ask(k, hash, depth);
}

struct path place_of(struct key k)
{
    if (!k.ptr)
        return (struct path){NULL, 0};
    return find(k, 0);
}

void place_is(struct key k, struct path path)
{
    if (k.ptr && path.ptr && path.len <= PATH_JSON_MAX)
        keep(k, path);
}

void place_until(struct key k, struct key parent, struct path name, bool moves)
{
    struct coming *c = alloc(sizeof *c + k.len + parent.len + name.len);
    *c = (struct coming){.hash = hash_of(k), .key_len = k.len, .parent_len = parent.len};
    c->name_len = (uint32_t)name.len;
    memcpy(c->bytes, k.ptr, k.len);
    memcpy(c->bytes + k.len, parent.ptr, parent.len);
    memcpy(c->bytes + k.len + parent.len, name.ptr, name.len);
    size_t at = c->hash % COMING;
    if (!coming[at])
        coming_end[at] = &coming[at];
    *coming_end[at] = c;
    coming_end[at] = &c->next;
    moving += moves;
}

void place_come(struct key k, bool moves)
{
    struct coming **c = &coming[hash_of(k) % COMING], *gone = *c; /* they come in order */
    if (!gone)
        return;
    *c = gone->next;
    free(gone);
    moving -= moves;
}

static void add_move(struct path from, struct path to)
{
    struct move *m = &last_moves[moved & (MOVES - 1)];
    text_drop(m->from);
    text_drop(m->to);
    *m = (struct move){NULL, NULL};
    if (from.ptr && to.ptr) {
        m->from = text_new(from.ptr, from.len);
        m->to = text_new(to.ptr, to.len);
    }
    moved++;
}

static bool same(const struct text *a, struct path b)
{
    return a && a->len == b.len && memcmp(a->ptr, b.ptr, b.len) == 0;
}

void place_moved(struct path from, struct path to)
{
    const struct move *before = &last_moves[(moved - 1) & (MOVES - 1)];
    bool back = moved && from.ptr && to.ptr && same(before->from, to) && same(before->to, from);
    add_move(from, to);
    if (back) /* moved back, or two exchanged: only the kernel knows which */
        place_forget();
}

void place_forget(void)
{
    add_move((struct path){NULL, 0}, (struct path){NULL, 0});
}
