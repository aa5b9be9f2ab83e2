/* The process connector: forks, execs, exits and new ids, with the time of each. */
#include "es_linux.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUFFER (64 << 20) /* bytes the kernel may keep while stdout is blocked */
#define BATCH 64
#define NOTES 16384
#define CPUS 4096
#define ACK 200           /* ms the kernel has to answer */
#define NICE -20
#define SLACK 50000       /* ns between a message's time and its arrival */
#define SETTLE 1000000000 /* ns after an overrun in which gaps are the same loss */

#define OVERRUN "the process connector overran its buffer"

static int sock = -1;
static atomic_bool idle;            /* the thread waits, and all it heard is in the queue */
static _Atomic uint64_t heard;      /* the time of the last message that is */

/* Between the thread and the main thread, which swaps the two. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t swapped = PTHREAD_COND_INITIALIZER;
static struct note queues[2][NOTES];
static struct note *queue = queues[0];
static unsigned queued;

static void add(const struct note *n)
{
    pthread_mutex_lock(&lock);
    while (queued == NOTES) {
        wake();
        pthread_cond_wait(&swapped, &lock);
    }
    queue[queued++] = *n;
    pthread_mutex_unlock(&lock);
}

uint64_t connector_heard(void)
{
    uint64_t t = now() - SLACK;
    /* Between the two looks at it, it may have taken what poll() does not see any more. */
    if (atomic_load(&idle) && poll(&(struct pollfd){.fd = sock, .events = POLLIN}, 1, 0) == 0 && atomic_load(&idle))
        return t;
    return atomic_load(&heard);
}

void connector_take(uint64_t until)
{
    pthread_mutex_lock(&lock);
    struct note *mine = queue;
    unsigned n = queued;
    queue = queues[queue == queues[0]];
    queued = 0;
    pthread_mutex_unlock(&lock);
    pthread_cond_signal(&swapped);
    for (unsigned i = 0; i < n; i++) {
        trace_take(mine[i].when);
        order_take(&mine[i]);
    }
    trace_take(until);
}

static uint32_t last[CPUS];
static bool has_last[CPUS];
static uint64_t settled; /* until then a gap is no news */

/* The kernel counts its messages per processor. */
static void check_sequence(uint32_t cpu, uint32_t seq, uint64_t when)
{
    if (cpu >= CPUS)
        return;
    if (has_last[cpu] && seq != last[cpu] + 1 && when > settled) {
        add(&(struct note){.when = when, .kind = NOTE_LOSS, .why = "messages of the process connector are missing"});
        settled = when + SETTLE;
    }
    has_last[cpu] = true;
    last[cpu] = seq;
}

/* One event of the kernel; data holds at least its head. */
static void hear(const uint8_t *data, size_t len, uint32_t seq)
{
    struct proc_event e = {0};
    memcpy(&e, data, len < sizeof e ? len : sizeof e);
    /* The answer to another listener is counted, too, and comes to all. */
    check_sequence(e.cpu, seq, e.timestamp_ns);
    if ((unsigned)e.what == 0)
        return;
    atomic_store(&heard, e.timestamp_ns - 1);
    struct note n = {.when = e.timestamp_ns};
    switch ((unsigned)e.what) {
    case PROC_EVENT_FORK:
        if (e.event_data.fork.child_pid != e.event_data.fork.child_tgid)
            return; /* a thread */
        n.kind = NOTE_FORK;
        n.pid = e.event_data.fork.parent_tgid;
        n.other = e.event_data.fork.child_tgid;
        break;
    case PROC_EVENT_EXEC:
        n.kind = NOTE_EXEC;
        n.pid = e.event_data.exec.process_tgid;
        n.capture = capture_exec(n.pid);
        break;
    case PROC_EVENT_EXIT:
        if (e.event_data.exit.process_pid != e.event_data.exit.process_tgid)
            return;
        n.kind = NOTE_EXIT;
        n.pid = e.event_data.exit.process_tgid;
        n.a = e.event_data.exit.exit_code;
        break;
    case PROC_EVENT_UID:
    case PROC_EVENT_GID:
        n.kind = (unsigned)e.what == PROC_EVENT_UID ? NOTE_UID : NOTE_GID;
        n.pid = e.event_data.id.process_tgid;
        n.a = e.event_data.id.r.ruid;
        n.b = e.event_data.id.e.euid;
        break;
    case PROC_EVENT_SID:
        n.kind = NOTE_SESSION;
        n.pid = e.event_data.sid.process_tgid;
        break;
    case PROC_EVENT_PTRACE:
        if (!e.event_data.ptrace.tracer_tgid || e.event_data.ptrace.process_pid != e.event_data.ptrace.process_tgid)
            return; /* the end of it, or a thread */
        n.kind = NOTE_TRACE;
        n.pid = e.event_data.ptrace.tracer_tgid;
        n.other = e.event_data.ptrace.process_tgid;
        break;
    default:
        return;
    }
    add(&n);
}

/* The kernel's message in a datagram, or NULL. */
static const struct cn_msg *message(const uint8_t *data, size_t len, size_t *body)
{
    const struct nlmsghdr *h = (const void *)data;
    if (len < NLMSG_HDRLEN || h->nlmsg_len > len || h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct cn_msg))
        return NULL;
    const struct cn_msg *m = (const void *)(data + NLMSG_HDRLEN);
    *body = h->nlmsg_len - NLMSG_HDRLEN - sizeof *m;
    if (m->id.idx != CN_IDX_PROC || m->id.val != CN_VAL_PROC || m->len > *body)
        return NULL;
    *body = m->len;
    return *body >= offsetof(struct proc_event, event_data) ? m : NULL;
}

static void *listener(void *unused)
{
    (void)unused;
    /* Whoever has been executed may be gone in a moment: its arguments are read at once, or never. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    enum { SIZE = 512 };
    static _Alignas(struct nlmsghdr) uint8_t data[BATCH][SIZE];
    static struct mmsghdr messages[BATCH];
    static struct iovec pieces[BATCH];
    static struct sockaddr_nl from[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            pieces[i] = (struct iovec){data[i], SIZE};
            messages[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof *from, .msg_iov = &pieces[i], .msg_iovlen = 1};
        }
        atomic_store(&idle, true);
        poll(&(struct pollfd){.fd = sock, .events = POLLIN}, 1, -1);
        atomic_store(&idle, false);
        int n = recvmmsg(sock, messages, BATCH, MSG_DONTWAIT, NULL);
        if (n < 0 && errno == ENOBUFS) {
            settled = now() + SETTLE;
            add(&(struct note){.when = now(), .kind = NOTE_LOSS, .why = OVERRUN});
        } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return NULL;
        }
        for (int i = 0; i < n; i++) {
            size_t len;
            const struct cn_msg *m = from[i].nl_pid == 0 ? message(data[i], messages[i].msg_len, &len) : NULL;
            if (m) /* anybody may send to a netlink socket: only the kernel's count */
                hear(m->data, len, m->seq);
        }
        wake();
    }
}

static const char *words_of(int error)
{
    switch (error) {
    case EPERM: return "EPERM it takes root with CAP_NET_ADMIN, outside of a container's own user or pid namespace";
    case ECONNREFUSED: return "ECONNREFUSED it does not answer in a container's own network namespace, nor where the "
                              "kernel was built without it";
    case EPROTONOSUPPORT: return "EPROTONOSUPPORT this kernel was built without it";
    default: return strerror(error);
    }
}

/* Waits for the kernel's answer: an errno, or 0, also where it does not answer. */
static int answer(void)
{
    _Alignas(struct nlmsghdr) uint8_t data[512];
    uint64_t until = now() + ACK * 1000000ull;
    for (uint64_t t; (t = now()) < until;) {
        if (poll(&(struct pollfd){.fd = sock, .events = POLLIN}, 1, (int)((until - t) / 1000000) + 1) <= 0)
            continue;
        ssize_t n = recv(sock, data, sizeof data, MSG_DONTWAIT);
        size_t len;
        const struct cn_msg *m = n > 0 ? message(data, (size_t)n, &len) : NULL;
        struct proc_event e = {0};
        if (!m)
            continue;
        memcpy(&e, m->data, len < sizeof e ? len : sizeof e);
        if ((unsigned)e.what != 0)
            return 0; /* events come: it listens to us */
        return (int)e.event_data.ack.err;
    }
    return 0;
}

const char *connector_open(int buffer)
{
    sock = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
    if (sock < 0)
        return words_of(errno);
    int size = buffer ? buffer : BUFFER;
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
    if (bind(sock, (struct sockaddr *)&address, sizeof address) != 0)
        return words_of(errno);
    enum proc_cn_mcast_op op = PROC_CN_MCAST_LISTEN;
    _Alignas(struct nlmsghdr) uint8_t request[NLMSG_SPACE(sizeof(struct cn_msg) + sizeof op)] = {0};
    struct nlmsghdr *h = (void *)request;
    struct cn_msg *m = NLMSG_DATA(h);
    *h = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof *m + sizeof op), .nlmsg_type = NLMSG_DONE};
    m->id = (struct cb_id){CN_IDX_PROC, CN_VAL_PROC};
    m->len = sizeof op;
    memcpy(m->data, &op, sizeof op);
    if (send(sock, request, h->nlmsg_len, 0) < 0)
        return words_of(errno);
    int error = answer();
    return error ? words_of(error) : NULL;
}

void connector_start(void)
{
    start_thread(listener);
}
