/* estui-linux: the options, the threads, and the loop that writes what they bring. */
#include "es_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST 64               /* of each option that may be repeated */
#define GATHER 4000000        /* ns that events gather after the first one: one round for many */
#define PATIENCE 500000000    /* ns a note waits for file events that may belong before it, at most */
#define AGAIN 2               /* ms until what waits is looked at again */
#define SECOND 1000000000ull
#define MOST_CPUS 1024
#define PIPE (1 << 20)

enum { IMPOSSIBLE = 3, USAGE = 2 };

static const char HELP[] =
    "usage: estui-linux [--types TYPE,TYPE…] [--without PID]… [--terminal PID]\n"
    "       estui-linux --check\n"
    "This machine's kernel events as lines of JSON, for estui linux. It takes root.\n"
    "  --types       only these event types\n"
    "  --without     leave out what this process does, and what starts us below it\n"
    "  --terminal    leave out what this process does with files\n"
    "  --check       say what is possible here\n"
    "For tests:\n"
    "  --old-kernel  use only what Linux 5.9 has\n"
    "  --buffer      bytes the kernel may keep of what becomes of processes\n";

static atomic_bool stop;
static atomic_bool woken;
static int wake_fd = -1;

/* Words wait until it is said that we have started; without that, they go out at once. */
static char early[8192];
static size_t early_len;
static bool held;

void say(const char *format, ...)
{
    char line[1024] = "estui-linux: ";
    size_t n = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    n = strlen(line);
    line[n < sizeof line - 1 ? n++ : n - 1] = '\n';
    if (early_len + n <= sizeof early) {
        memcpy(early + early_len, line, n);
        early_len += n;
    }
    if (held)
        return;
    if (write(STDERR_FILENO, early, early_len) < 0) {}
    early_len = 0;
}

static void say_started(void)
{
    static const char line[] = "estui: started\n";
    held = false;
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0 || write(STDERR_FILENO, early, early_len) < 0) {}
    early_len = 0;
}

void *alloc(size_t size)
{
    return resize(NULL, size);
}

void *resize(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p) {
        say("out of memory");
        trace_close();
        _exit(IMPOSSIBLE);
    }
    return p;
}

bool stopping(void)
{
    return stop;
}

void wake(void)
{
    if (!atomic_exchange(&woken, true)) {
        uint64_t one = 1;
        if (write(wake_fd, &one, sizeof one) < 0)
            return;
    }
}

/* A write to a full pipe may have begun just before: it is interrupted until it notices. */
static void on_signal(int number)
{
    int error = errno;
    uint64_t one = 1;
    struct itimerval often = {{0, 20000}, {0, 20000}};
    if (number != SIGALRM) {
        stop = true;
        setitimer(ITIMER_REAL, &often, NULL); /* on Linux no more than a system call */
        if (write(wake_fd, &one, sizeof one) < 0) {}
    }
    errno = error;
}

static void listen_to_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART */
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    sigaction(SIGALRM, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void start_thread(void *(*work)(void *))
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, work, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        say("no thread: %s", strerror(error));
        trace_close();
        _exit(IMPOSSIBLE);
    }
    pthread_detach(thread);
}

/* Says what estui wants to know, at most once a second. */
static void report(uint64_t t, bool last)
{
    static uint64_t said, said_own, said_at;
    if (last ? left_out == said : left_out - left_out_own == said - said_own || t - said_at < SECOND)
        return;
    char line[64];
    int n = snprintf(line, sizeof line, "estui: left_out %llu\n", (unsigned long long)left_out);
    said = left_out;
    said_own = left_out_own;
    said_at = t;
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}

static int check(void)
{
    const char *files = files_open(false), *connector = connector_open(0), *trace = trace_possible();
    printf("fanotify %s%s\n", files ? "no " : "yes", files ? files : files_old() ? " older than Linux 5.17" : "");
    printf("connector %s%s\n", connector ? "no " : "yes", connector ? connector : "");
    printf("tracefs %s%s\n", trace ? "no " : "yes", trace ? trace : "");
    return files || connector ? IMPOSSIBLE : 0;
}

static int refuse(const char *what, const char *why)
{
    const char *words = strchr(why, ' ');
    held = false;
    say("%s is not possible: %s", what, words && words > why && words[-1] >= 'A' && words[-1] <= 'Z' ? words + 1 : why);
    return IMPOSSIBLE;
}

/* Until we are told to end, or nobody reads. */
static void record(void)
{
    struct pollfd fds[3 + MOST_CPUS];
    int traces[MOST_CPUS], n_traces = trace_fds(traces, MOST_CPUS);
    bool more = false;
    uint64_t reported = 0;
    fds[0] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = STDOUT_FILENO};
    fds[2] = (struct pollfd){.fd = mounts_fd(), .events = POLLPRI};
    for (int i = 0; i < n_traces; i++)
        fds[3 + i] = (struct pollfd){.fd = traces[i], .events = POLLIN};
    while (!stop && !line_closed()) {
        int sleep = more ? AGAIN : left_out - left_out_own != reported ? 1000 : -1;
        reported = left_out - left_out_own;
        if (poll(fds, 3 + (nfds_t)n_traces, sleep) < 0 && errno != EINTR)
            break;
        if (stop || fds[1].revents & (POLLERR | POLLNVAL))
            break;
        if (!more)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, GATHER}, NULL);
        uint64_t ignored;
        if (read(wake_fd, &ignored, sizeof ignored) < 0) {}
        atomic_store(&woken, false);
        clock_look();
        if (fds[2].revents & (POLLPRI | POLLERR))
            mounts_look();
        /* Neither queue is written further than the other one has been heard. */
        uint64_t t = now(), heard = connector_heard();
        bool quiet = files_quiet();
        trace_read();
        connector_take(heard);
        files_take();
        while (files_write_one(heard) && !stop && !line_closed()) {}
        if (quiet && !files_waiting())
            order_write_until(t < heard ? t : heard);
        else
            order_write_until(t - PATIENCE);
        more = files_waiting() || order_oldest() != UINT64_MAX || trace_waiting();
        line_flush();
        report(now(), false);
    }
}

/* What had come when we were told to end. */
static void finish(void)
{
    if (!line_closed()) {
        trace_read();
        connector_take(UINT64_MAX);
        files_take();
        while (!line_closed() && files_write_one(UINT64_MAX)) {}
        order_write_all();
        line_flush();
    }
    trace_close();
    report(now(), true);
    if (files_unknown)
        say("%llu file events without a path: it could not be found out any more", (unsigned long long)files_unknown);
}

static void parse_types(const char *list)
{
    memset(line_wanted, 0, sizeof line_wanted);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        int type = line_type(p, n);
        if (type < 0) {
            say("there is no event type %.*s here", (int)(n < 80 ? n : 80), p);
            exit(USAGE);
        }
        line_wanted[type] = true;
        p += n + (p[n] == ',');
    }
}

static int32_t parse_number(const char *text)
{
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (errno || end == text || *end || pid <= 0 || pid > INT32_MAX) {
        say("%.80s is not a number such as that of a process", text);
        exit(USAGE);
    }
    return (int32_t)pid;
}

int main(int argc, char **argv)
{
    int32_t without[MOST], terminals[MOST];
    int n_without = 0, n_terminals = 0, buffer = 0;
    bool old_kernel = false;
    memset(line_wanted, 1, sizeof line_wanted);
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(option, "--check") == 0)
            return check();
        if (strcmp(option, "--help") == 0)
            return fputs(HELP, stdout) < 0;
        if (strcmp(option, "--old-kernel") == 0) {
            old_kernel = true;
        } else if (value && strcmp(option, "--types") == 0) {
            parse_types(value);
            i++;
        } else if (value && strcmp(option, "--without") == 0 && n_without < MOST) {
            without[n_without++] = parse_number(value);
            i++;
        } else if (value && strcmp(option, "--buffer") == 0) {
            buffer = parse_number(value);
            i++;
        } else if (value && strcmp(option, "--terminal") == 0 && n_terminals < MOST) {
            terminals[n_terminals++] = parse_number(value);
            i++;
        } else {
            fputs(HELP, stderr);
            return USAGE;
        }
    }
    const char *why;
    held = true;
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    listen_to_signals();
    if ((why = files_open(old_kernel)))
        return refuse("watching files", why);
    if ((why = connector_open(buffer)))
        return refuse("watching processes", why);
    if ((line_wanted[TYPE_SIGNAL] || line_wanted[TYPE_EXEC]) && (why = trace_open()) && line_wanted[TYPE_SIGNAL])
        say("signals are not seen: %s", strchr(why, ' ') ? strchr(why, ' ') + 1 : why);
    if (files_old())
        say("this kernel is older than Linux 5.17: renames are put together of two events");
    line_init();
    clock_look();
    connector_start();
    mounts_init();
    files_start();
    process_init();
    noise_init(without, n_without, terminals, n_terminals);
    order_begin(now());
    say_started();
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE);
    if (!stop)
        record();
    finish();
    return 0;
}
