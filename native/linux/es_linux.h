/* The manual of estui-linux: this machine's kernel events as eslogger-shaped JSON lines on stdout, words on stderr.
 *
 * Interfaces. fanotify says what happens to files (files.c), the process connector what becomes of processes
 * (connector.c), a tracefs instance of our own which signals are sent (trace.c), mountinfo what is mounted (mounts.c).
 *
 * Threads. One does nothing but read fanotify into chunks, one reads the connector and, at an exec, at once what /proc
 * says of it, for a moment later the process may be gone. The main thread brings both into one order (order.c), keeps
 * the process table (process.c) and writes lines (line.c, event.c). All but the two queues is the main thread's own.
 * Where it must know that nothing is left unread, it reads fanotify itself (files_catch_up).
 *
 * Order. The connector gives times, fanotify none, and each queue is in order only within itself. What they agree on:
 * a process's first file event comes after its fork, FAN_OPEN_EXEC stands where its image changes, and its exit comes
 * after all its files. So notes of the connector wait until the file events read up to their time have been written,
 * or until a file event needs them.
 *
 * Text. All that is kept for writing (paths, names) is kept as the inside of a JSON string: escaped once, then copied.
 * Bytes that are not UTF-8 stay as they are. A path is joined of such pieces, and compared in this form.
 *
 * Memory. Every table has a bound; what does not fit is forgotten or read again, never kept somehow. An allocation
 * that fails ends the process. No length from the kernel is used before it is checked.
 */
#ifndef ES_LINUX_H
#define ES_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* line.c: the output buffer, and what every line has. */

enum type {
    TYPE_EXEC, TYPE_OPEN, TYPE_FORK, TYPE_CLOSE, TYPE_CREATE, TYPE_EXIT, TYPE_MOUNT, TYPE_UNMOUNT, TYPE_RENAME,
    TYPE_SIGNAL, TYPE_UNLINK, TYPE_WRITE, TYPE_TRACE, TYPE_SETUID, TYPE_SETGID, TYPE_SETREUID, TYPE_SETREGID,
    TYPE_ATTRIB, TYPES
};

struct process;

extern bool line_wanted[TYPES];
int line_type(const char *name, size_t len); /* -1: there is no such type */
void line_init(void);
/* Between begin and end stands the event's payload. when: CLOCK_MONOTONIC, as everywhere here. */
void line_begin(enum type, uint64_t when);
void line_end(enum type, const struct process *);
/* Says, before the next event, that an unknown number is missing; the global number skips one. */
void line_loss(uint64_t when, const char *why);
void line_flush(void);
size_t line_waiting(void);
bool line_closed(void); /* nobody reads stdout any more */
extern uint64_t line_events;

void put(const char *text, size_t len);
#define PUT(literal) put(literal, sizeof(literal) - 1)
void put_number(int64_t);
void put_json(const char *raw, size_t len); /* escaped on the way */
size_t time_text(char *out, int64_t real_ns, int digits); /* with its quotes, not more than 34 bytes */

#define JSON_MAX 6 /* bytes that one byte of text may become */
size_t json_escape(char *out, const char *raw, size_t len);
#define PATH_JSON_MAX (JSON_MAX * 4096)

/* A piece of escaped text, lent. */
struct path {
    const char *ptr; /* NULL: unknown */
    size_t len;
};

/* A shared text, already escaped. */
struct text {
    uint32_t refs, len;
    char ptr[];
};
struct text *text_new(const char *escaped, size_t len);
struct text *text_escaped(const char *raw, size_t len);
struct text *text_share(struct text *);
void text_drop(struct text *);

/* clock.c */
uint64_t now(void);              /* CLOCK_MONOTONIC, ns */
int64_t real_time(uint64_t when); /* by the wall clock of the last clock_look() */
void clock_look(void);
int64_t boot_time(uint64_t since_boot_ns);

/* process.c: who they are, by pid. */

enum { PROCESS_UNBORN, PROCESS_ALIVE, PROCESS_DEAD };

#define OPENED 3

struct note;

struct process {
    int32_t pid;
    uint32_t version; /* pidversion: this pid's images so far */
    uint64_t serial;  /* tells it from others that had this place in memory */
    int32_t ppid, original_ppid, group, session;
    uint32_t ruid, euid, rgid, egid, auid, asid, tty;
    int64_t start; /* wall clock */
    struct text *executable, *tty_path;
    struct process *parent;
    uint64_t parent_serial;
    uint32_t parent_version;
    bool known, fresh;            /* known: the ids are; fresh: blob is */
    bool left_out, left_out_files; /* own noise */
    uint8_t state;
    bool buried; /* stands in the list of the dead */
    uint32_t slot;
    uint32_t blob_len, blob_cap;
    char *blob; /* the JSON object */
    /* What has been read of the connector but not been written yet: in order, and its own fork. */
    struct note *first, *last, *birth;
    unsigned pins; /* notes that point here */
    /* FAN_OPEN_EXEC since the last exec: the program or script, its interpreter, the loader. */
    struct text *opened[OPENED];
    uint8_t nopened;
    struct text *hint; /* sched_process_exec's file name, */
    uint64_t hint_at;  /* and when */
    uint64_t looked;   /* when /proc was read; 0: never */
    uint64_t changed;  /* when its last event was */
    struct process *next; /* of the dead, or of the free */
};

/* What /proc said at an exec, read by the connector's thread; NULL, or not known, where it was too late. */
struct capture {
    struct text *executable, *cwd;
    char *args; /* as /proc/PID/cmdline has them */
    size_t args_len;
    bool known; /* the numbers are */
    int32_t ppid, group, session;
    uint32_t tty, auid, asid;
};

void process_init(void); /* takes in all there are */
struct process *process_of(int32_t pid);   /* looks in /proc for one not seen yet; never NULL */
struct process *process_peek(int32_t pid); /* NULL: not seen */
struct process *process_of_thread(int32_t tid);
struct process *process_unborn(int32_t pid); /* the child of a fork that has not been written yet */
void process_fork(struct process *child, struct process *parent, uint64_t when);
void process_exec(struct process *, struct text *executable, const struct capture *, uint64_t when);
void process_exit(struct process *, uint64_t when);
void process_no_tty(struct process *);
void process_opened(struct process *, struct path); /* FAN_OPEN_EXEC */
void process_forget_opened(struct process *);
void process_resync(void); /* events were lost: look at /proc again */
void process_leave_out(int32_t pid, bool files_only);
const struct process *process_fresh(struct process *); /* with its blob as it must be now */
void put_process(const struct process *);              /* null for NULL */

/* proc.c: /proc/PID, by the descriptor of that directory. */

#define PROC_UNSET 4294967295u /* an id that was never set */

struct proc_stat {
    int32_t ppid, group, session;
    uint32_t tty;
    uint64_t start; /* ticks since boot */
    bool kernel;
};

int proc_open(int32_t pid);
ssize_t proc_read(int dir, const char *name, char *buf, size_t cap); /* with a NUL behind */
struct text *proc_link(int dir, const char *name); /* where it leads, also to what was deleted; NULL: gone */
bool proc_stat(int dir, struct proc_stat *);
uint32_t proc_number(int dir, const char *name);
int32_t proc_parent(int32_t pid); /* 0: gone */
struct text *proc_tty(uint32_t device); /* the main thread's */
struct capture *capture_exec(int32_t pid);
void capture_free(struct capture *);

/* order.c: what the connector and tracefs said, until its turn comes. */

enum {
    NOTE_FORK, NOTE_EXEC, NOTE_EXIT, NOTE_UID, NOTE_GID, NOTE_SESSION, NOTE_TRACE, NOTE_SIGNAL, NOTE_NAME, NOTE_LOSS
};

struct note {
    uint64_t when;
    int32_t kind, pid, other; /* other: the child, the traced, the signalled */
    uint32_t a, b;            /* exit: status; ids: real and effective; signal: its number */
    struct capture *capture;
    struct text *name; /* what is being executed */
    const char *why;
    /* The main thread's. */
    struct process *subject, *object;
    struct note *next; /* of the same subject */
    bool done;
};

/* Notes of before are not taken: /proc was read since. */
void order_begin(uint64_t when);
void order_take(const struct note *); /* takes over what it points to */
void order_write_until(uint64_t when);
void order_write_all(void);
uint64_t order_oldest(void); /* when; UINT64_MAX: none waits */
/* Whose file event this is, all that went before it written. exec: it is a FAN_OPEN_EXEC. *when may move back. */
struct process *order_owner(int32_t pid, bool exec, uint64_t *when);

/* event.c: one event, one line. A text that is NULL is written null. */
void event_exec(const struct process *before, const struct process *target, const struct capture *, bool args_fit,
                struct text *script, uint64_t when);
void event_fork(const struct process *, const struct process *child, uint64_t when);
void event_exit(const struct process *, uint32_t status, uint64_t when);
void event_ids(enum type, const struct process *, uint32_t real, uint32_t effective, uint64_t when);
void event_target(enum type, const struct process *, const struct process *target, uint32_t sig, uint64_t when);

void event_file(enum type, const struct process *, struct path, bool modified, uint64_t when);
void event_unlink(const struct process *, struct path target, struct path dir, uint64_t when);
void event_rename(const struct process *, struct path source, struct path dir, struct path name, uint64_t when);
struct mount;
void event_mount(bool mounted, const struct mount *, uint64_t when);

/* connector.c */
const char *connector_open(int buffer); /* NULL, or why it cannot be; 0: a buffer of the usual size */
void connector_start(void);
void connector_take(uint64_t heard); /* hands what has come to order_take(), that of trace.c in between */
uint64_t connector_heard(void); /* connector_take() will bring all that has happened until then */

/* trace.c */
const char *trace_open(void); /* NULL, or why it cannot be */
const char *trace_possible(void);
void trace_read(void);
void trace_take(uint64_t until); /* hands to order_take() what was read and is not newer */
bool trace_waiting(void);
void trace_close(void);
int trace_fds(int *fds, int most);

/* files.c */
struct chunk;
const char *files_open(bool old_kernel); /* NULL, or why it cannot be */
void files_start(void);
void files_take(void);     /* takes over what the reader has read */
void files_catch_up(void); /* and reads what it has not, if there is room */
/* The next chunk's events; false: there is none, or one that is newer than what has been heard of the connector. */
bool files_write_one(uint64_t heard);
bool files_quiet(void); /* files_take() will bring all that has happened until now */
bool files_old(void); /* the kernel is older than Linux 5.17 */
bool files_waiting(void);   /* something has been read that is not written */
int files_mark(const char *path); /* 0 or errno */
extern uint64_t files_unknown; /* events whose path was not found out */

/* place.c: directories by file handle. A key is fsid, handle_bytes, handle_type and handle as the kernel gives them. */
struct key {
    const uint8_t *ptr; /* NULL: not given */
    uint32_t len;
};
struct path place_of(struct key);                  /* valid until the next call of any place_ function */
void place_is(struct key, struct path);            /* an event just said so */
/* An event that is read, but not to be written yet, will move or remove a directory that is here until then. */
void place_until(struct key, struct key parent, struct path name, bool moves);
void place_come(struct key, bool moves); /* that event is being written */
void place_moved(struct path from, struct path to);
void place_forget(void);

/* mounts.c */
struct mount {
    int id;
    uint32_t major, minor;
    char *root, *point, *type, *source; /* as they are, unescaped */
    bool watched, seen;
    uint64_t fsid;
};
void mounts_init(void);
int mounts_fd(void); /* POLLPRI: they changed */
void mounts_look(void);
int mounts_open(uint64_t fsid); /* a directory of that file system; -1: there is none */
void mounts_close(int fd);

/* noise.c */
extern uint64_t left_out, left_out_own; /* own: by the recorder itself, which is no news worth a line */
/* Whether what this process does is left out; so many lines are counted then. */
bool noise(const struct process *, bool of_files, uint64_t lines);
void noise_init(const int32_t *without, int n, const int32_t *terminals, int n_terminals);

/* main.c */
void say(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a line on stderr */
void wake(void);                                                         /* the main thread, from any other */
bool stopping(void);
void start_thread(void *(*)(void *)); /* with all signals blocked */
void *alloc(size_t);
void *resize(void *, size_t);

#endif
