/* Noise: what happens only because somebody is looking. It is left out, and counted. */
#include "es_linux.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAR 64 /* ancestors */

uint64_t left_out, left_out_own;

static const struct process *own;
static int32_t ancestors[FAR];
static int n_ancestors;

bool noise(const struct process *p, bool of_files, uint64_t lines)
{
    if (!p || !(p->left_out || (of_files && p->left_out_files)))
        return false;
    left_out += lines;
    left_out_own += p == own ? lines : 0;
    return true;
}

/* Whether a descriptor of another process reads this pipe; a link of /proc names it. */
static bool reads(int32_t pid, const char *fd, const char *pipe)
{
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/fd/%.20s", pid, fd);
    ssize_t n = readlink(path, text, sizeof text);
    if (n <= 0 || (size_t)n != strlen(pipe) || memcmp(text, pipe, (size_t)n) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%.20s", pid, fd);
    int info = open(path, O_RDONLY | O_CLOEXEC);
    n = info < 0 ? 0 : read(info, text, sizeof text - 1);
    if (info >= 0)
        close(info);
    text[n > 0 ? n : 0] = 0;
    const char *flags = strstr(text, "flags:");
    return flags && (strtol(flags + 6, NULL, 8) & O_ACCMODE) == O_RDONLY;
}

static bool is_ancestor(int32_t pid)
{
    for (int i = 0; i < n_ancestors; i++)
        if (ancestors[i] == pid)
            return true;
    return false;
}

/* Who reads our stdout writes because of what it reads; a shell that has only not closed the pipe yet does not. */
static void leave_out_reader(void)
{
    struct stat s;
    char pipe[64], path[32];
    if (fstat(STDOUT_FILENO, &s) != 0 || !S_ISFIFO(s.st_mode))
        return;
    ssize_t n = readlink("/proc/self/fd/1", pipe, sizeof pipe - 1);
    DIR *proc = n > 0 ? opendir("/proc") : NULL;
    pipe[n > 0 ? n : 0] = 0;
    const struct dirent *e, *f;
    while (proc && (e = readdir(proc))) {
        int32_t pid = (int32_t)strtol(e->d_name, NULL, 10);
        if (pid <= 0 || is_ancestor(pid))
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd", pid);
        DIR *fds = opendir(path);
        while (fds && (f = readdir(fds)))
            if (reads(pid, f->d_name, pipe))
                process_leave_out(pid, false);
        if (fds)
            closedir(fds);
    }
    if (proc)
        closedir(proc);
}

void noise_init(const int32_t *without, int n, const int32_t *terminals, int n_terminals)
{
    for (int32_t pid = getpid(); pid > 0 && n_ancestors < FAR; pid = proc_parent(pid))
        ancestors[n_ancestors++] = pid;
    process_leave_out(getpid(), false);
    own = process_of(getpid());
    for (int i = 0; i < n; i++) {
        process_leave_out(without[i], false);
        for (int k = 0; is_ancestor(without[i]) && ancestors[k] != without[i]; k++)
            process_leave_out(ancestors[k], false);
    }
    for (int i = 0; i < n_terminals; i++)
        process_leave_out(terminals[i], true);
    leave_out_reader();
}
