/* Events: what stands under each type's name, in eslogger's words. What Linux does not know is null. */
#include "es_linux.h"

#include <signal.h>

/* Linux's signals in macOS's numbers, which is what an event of ES holds; those that macOS lacks stay as they are. */
static uint32_t mac_signal(uint32_t number)
{
    switch (number) {
    case SIGBUS: return 10;
    case SIGSYS: return 12;
    case SIGURG: return 16;
    case SIGSTOP: return 17;
    case SIGTSTP: return 18;
    case SIGCONT: return 19;
    case SIGCHLD: return 20;
    case SIGIO: return 23;
    case SIGUSR1: return 30;
    case SIGUSR2: return 31;
    default: return number;
    }
}

static void put_file(struct path p)
{
    if (!p.ptr) {
        PUT("{\"path\":null,\"path_truncated\":false,\"stat\":null}");
        return;
    }
    PUT("{\"path\":\"");
    put(p.ptr, p.len);
    PUT("\",\"path_truncated\":false,\"stat\":null}");
}

static void put_text_file(const struct text *t)
{
    if (t)
        put_file((struct path){t->ptr, t->len});
    else
        PUT("null");
}

static void put_args(const char *args, size_t len)
{
    for (size_t begin = 0; begin < len;) {
        size_t n = strnlen(args + begin, len - begin);
        put(begin ? ",\"" : "\"", begin ? 2 : 1);
        put_json(args + begin, n);
        PUT("\"");
        begin += n + 1;
    }
}

void event_exec(const struct process *before, const struct process *target, const struct capture *capture,
                bool args_fit, struct text *script, uint64_t when)
{
    line_begin(TYPE_EXEC, when);
    PUT("{\"target\":");
    put_process(target);
    if (capture && capture->args && args_fit) {
        PUT(",\"args\":[");
        put_args(capture->args, capture->args_len);
        PUT("],\"env\":null,\"fds\":null,\"cwd\":");
    } else {
        PUT(",\"args\":null,\"env\":null,\"fds\":null,\"cwd\":");
    }
    put_text_file(capture && args_fit ? capture->cwd : NULL);
    PUT(",\"script\":");
    put_text_file(script);
    PUT(",\"last_fd\":null,\"image_cputype\":null,\"image_cpusubtype\":null}");
    line_end(TYPE_EXEC, before);
}

void event_fork(const struct process *process, const struct process *child, uint64_t when)
{
    line_begin(TYPE_FORK, when);
    PUT("{\"child\":");
    put_process(child);
    PUT("}");
    line_end(TYPE_FORK, process);
}

void event_exit(const struct process *process, uint32_t status, uint64_t when)
{
    line_begin(TYPE_EXIT, when);
    PUT("{\"stat\":");
    put_number((status & ~0x7fu) | mac_signal(status & 0x7f));
    PUT("}");
    line_end(TYPE_EXIT, process);
}

void event_ids(enum type type, const struct process *process, uint32_t real, uint32_t effective, uint64_t when)
{
    line_begin(type, when);
    switch (type) {
    case TYPE_SETUID: PUT("{\"uid\":"); break;
    case TYPE_SETGID: PUT("{\"gid\":"); break;
    case TYPE_SETREUID: PUT("{\"ruid\":"); break;
    default: PUT("{\"rgid\":");
    }
    put_number(real);
    if (type == TYPE_SETREUID || type == TYPE_SETREGID) {
        if (type == TYPE_SETREUID)
            PUT(",\"euid\":");
        else
            PUT(",\"egid\":");
        put_number(effective);
    }
    PUT("}");
    line_end(type, process);
}

void event_target(enum type type, const struct process *process, const struct process *target, uint32_t sig,
                  uint64_t when)
{
    line_begin(type, when);
    PUT("{\"target\":");
    put_process(target);
    if (type == TYPE_SIGNAL) {
        PUT(",\"sig\":");
        put_number(mac_signal(sig));
    }
    PUT("}");
    line_end(type, process);
}

void event_file(enum type type, const struct process *process, struct path path, bool modified, uint64_t when)
{
    line_begin(type, when);
    switch (type) {
    case TYPE_OPEN: PUT("{\"fflag\":null,\"file\":"); break;
    case TYPE_CREATE: PUT("{\"acl\":null,\"destination_type\":0,\"destination\":{\"existing_file\":"); break;
    default: PUT("{\"target\":");
    }
    put_file(path);
    if (type == TYPE_CREATE)
        PUT("}");
    else if (type == TYPE_CLOSE && modified)
        PUT(",\"modified\":true,\"was_mapped_writable\":null");
    else if (type == TYPE_CLOSE)
        PUT(",\"modified\":false,\"was_mapped_writable\":null");
    PUT("}");
    line_end(type, process);
}

void event_unlink(const struct process *process, struct path target, struct path dir, uint64_t when)
{
    line_begin(TYPE_UNLINK, when);
    PUT("{\"target\":");
    put_file(target);
    PUT(",\"parent_dir\":");
    put_file(dir);
    PUT("}");
    line_end(TYPE_UNLINK, process);
}

void event_rename(const struct process *process, struct path source, struct path dir, struct path name, uint64_t when)
{
    line_begin(TYPE_RENAME, when);
    PUT("{\"source\":");
    put_file(source);
    PUT(",\"destination_type\":1,\"destination\":{\"new_path\":{\"dir\":");
    put_file(dir);
    if (name.ptr) {
        PUT(",\"filename\":\"");
        put(name.ptr, name.len);
        PUT("\"}}}");
    } else {
        PUT(",\"filename\":null}}}");
    }
    line_end(TYPE_RENAME, process);
}

void event_mount(bool mounted, const struct mount *m, uint64_t when)
{
    enum type type = mounted ? TYPE_MOUNT : TYPE_UNMOUNT;
    line_begin(type, when);
    PUT("{\"statfs\":{\"f_mntonname\":\"");
    put_json(m->point, strlen(m->point));
    PUT("\",\"f_mntfromname\":\"");
    put_json(m->source, strlen(m->source));
    PUT("\",\"f_fstypename\":\"");
    put_json(m->type, strlen(m->type));
    PUT("\",\"f_bsize\":null,\"f_iosize\":null,\"f_blocks\":null,\"f_bfree\":null,\"f_bavail\":null,\"f_files\":null,"
        "\"f_ffree\":null,\"f_fsid\":null,\"f_owner\":null,\"f_type\":null,\"f_flags\":null,\"f_fssubtype\":null}}");
    line_end(type, NULL);
}
