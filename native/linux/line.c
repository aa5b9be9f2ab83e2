/* Lines: eslogger's envelope around a payload, gathered in one buffer and written in large pieces. */
#include "es_linux.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FLUSH (64 << 10)
#define LAST_MOMENT 300000000 /* ns a reader has to take some of the rest when we are told to end */

static const struct {
    const char *name;
    int number; /* es_event_type_t; -1: ES has no such event */
} TYPES_OF[TYPES] = {
    [TYPE_EXEC] = {"exec", 9},          [TYPE_OPEN] = {"open", 10},         [TYPE_FORK] = {"fork", 11},
    [TYPE_CLOSE] = {"close", 12},       [TYPE_CREATE] = {"create", 13},     [TYPE_EXIT] = {"exit", 15},
    [TYPE_MOUNT] = {"mount", 22},       [TYPE_UNMOUNT] = {"unmount", 23},   [TYPE_RENAME] = {"rename", 25},
    [TYPE_SIGNAL] = {"signal", 31},     [TYPE_UNLINK] = {"unlink", 32},     [TYPE_WRITE] = {"write", 33},
    [TYPE_TRACE] = {"trace", 96},       [TYPE_SETUID] = {"setuid", 103},    [TYPE_SETGID] = {"setgid", 104},
    [TYPE_SETREUID] = {"setreuid", 107}, [TYPE_SETREGID] = {"setregid", 108}, [TYPE_ATTRIB] = {"attrib", -1},
};

bool line_wanted[TYPES];
uint64_t line_events;
static uint64_t numbers[TYPES], global_number;
static char *heads[TYPES]; /* from the event type to the payload */
static size_t head_len[TYPES];
static enum type present;

static char *buffer;
static size_t length, capacity;
static bool closed;

int line_type(const char *name, size_t len)
{
    for (int i = 0; i < TYPES; i++)
        if (strlen(TYPES_OF[i].name) == len && memcmp(TYPES_OF[i].name, name, len) == 0)
            return i;
    return -1;
}

void line_init(void)
{
    buffer = alloc(capacity = 4 * FLUSH);
    for (int i = 0; i < TYPES; i++) {
        char number[16] = "null";
        if (TYPES_OF[i].number >= 0)
            snprintf(number, sizeof number, "%d", TYPES_OF[i].number);
        heads[i] = alloc(96);
        head_len[i] = (size_t)snprintf(heads[i], 96, ",\"event_type\":%s,\"event\":{\"%s\":", number, TYPES_OF[i].name);
    }
}

size_t line_waiting(void)
{
    return length;
}

bool line_closed(void)
{
    return closed;
}

void line_flush(void)
{
    size_t done = 0;
    uint64_t since = 0; /* when we were told to end, or when the reader took something after that */
    while (done < length && !closed) {
        if (stopping()) { /* a signal ends a write that waits, again and again */
            uint64_t t = now();
            since = since ? since : t;
            if (t - since > LAST_MOMENT)
                closed = true;
        }
        ssize_t n = write(STDOUT_FILENO, buffer + done, length - done);
        if (n > 0) {
            done += (size_t)n;
            since = 0;
        } else if (n < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            closed = true;
        }
    }
    length = 0;
}

static char *room(size_t n)
{
    if (capacity - length < n)
        buffer = resize(buffer, capacity = (length + n) * 2);
    return buffer + length;
}

void put(const char *text, size_t len)
{
    memcpy(room(len), text, len);
    length += len;
}

static size_t digits_of(char *out, uint64_t n)
{
    char reversed[20];
    size_t len = 0;
    do
        reversed[len++] = (char)('0' + n % 10);
    while (n /= 10);
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    return len;
}

void put_number(int64_t n)
{
    char *o = room(21);
    if (n < 0) {
        *o++ = '-';
        length++;
    }
    length += digits_of(o, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

size_t json_escape(char *out, const char *raw, size_t len)
{
    char *o = out;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)raw[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            *o++ = (char)c;
        } else if (c >= 0x20 || c == '\n' || c == '\t') {
            *o++ = '\\';
            *o++ = c == '\n' ? 'n' : c == '\t' ? 't' : (char)c;
        } else {
            memcpy(o, "\\u00", 4);
            o[4] = "01"[c >> 4];
            o[5] = "0123456789abcdef"[c & 15];
            o += 6;
        }
    }
    return (size_t)(o - out);
}

void put_json(const char *raw, size_t len)
{
    char *o = room(len * JSON_MAX);
    length += json_escape(o, raw, len);
}

size_t time_text(char *o, int64_t real, int digits)
{
    static int64_t known = -1; /* the second that text is of */
    static char text[24];
    int64_t second = real / 1000000000, fraction = real % 1000000000;
    if (second != known) {
        time_t t = (time_t)second;
        struct tm tm = {0};
        gmtime_r(&t, &tm);
        snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.", (unsigned)(tm.tm_year + 1900) % 10000u,
                 (unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
                 (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
        known = second;
    }
    *o++ = '"';
    memcpy(o, text, 20);
    o += 20;
    for (int i = digits; i < 9; i++)
        fraction /= 10;
    for (int i = digits - 1; i >= 0; i--) {
        o[i] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    memcpy(o + digits, "Z\"", 2);
    return (size_t)digits + 23;
}

static void put_time(uint64_t when)
{
    length += time_text(room(34), real_time(when), 9);
}

void line_begin(enum type type, uint64_t when)
{
    present = type;
    PUT("{\"schema_version\":1,\"version\":6,\"estui_origin\":\"linux\",\"time\":");
    put_time(when);
    PUT(",\"mach_time\":");
    put_number((int64_t)when);
    put(heads[type], head_len[type]);
}

void line_end(enum type type, const struct process *process)
{
    PUT("},\"process\":");
    put_process(process);
    PUT(",\"thread\":null,\"seq_num\":");
    put_number((int64_t)numbers[type]++);
    PUT(",\"global_seq_num\":");
    put_number((int64_t)global_number++);
    if (type == TYPE_OPEN)
        PUT(",\"action_type\":1,\"action\":{\"result\":{\"result_type\":1,\"result\":{\"flags\":4294967295}}}}\n");
    else
        PUT(",\"action_type\":1,\"action\":{\"result\":{\"result_type\":0,\"result\":{\"auth\":0}}}}\n");
    line_events++;
    if (length >= FLUSH)
        line_flush();
}

void line_loss(uint64_t when, const char *why)
{
    PUT("{\"estui\":\"loss\",\"time\":");
    put_time(when);
    PUT(",\"lost\":null,\"why\":\"");
    put_json(why, strlen(why));
    PUT("\"}\n");
    global_number++;
}

struct text *text_new(const char *escaped, size_t len)
{
    struct text *t = alloc(sizeof *t + len);
    t->refs = 1;
    t->len = (uint32_t)len;
    memcpy(t->ptr, escaped, len);
    return t;
}

struct text *text_escaped(const char *raw, size_t len)
{
    struct text *t = alloc(sizeof *t + len * JSON_MAX);
    t->refs = 1;
    t->len = (uint32_t)json_escape(t->ptr, raw, len);
    return resize(t, sizeof *t + t->len);
}

struct text *text_share(struct text *t)
{
    if (t)
        t->refs++;
    return t;
}

void text_drop(struct text *t)
{
    if (t && --t->refs == 0)
        free(t);
}
