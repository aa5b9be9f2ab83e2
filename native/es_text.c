/* Text of a line: its escapes undone, its paths named, its times read. */
#include "es_scan.h"

typedef const uint8_t *ptr;

static size_t put_utf8(uint8_t *o, unsigned c)
{
    if (c < 0x80) {
        o[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        o[0] = (uint8_t)(0xc0 | c >> 6);
        o[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        o[0] = (uint8_t)(0xe0 | c >> 12);
        o[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        o[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    o[0] = (uint8_t)(0xf0 | c >> 18);
    o[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    o[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    o[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

size_t es_unescape(uint8_t *out, es_span s)
{
    uint8_t *o = out;
    ptr p = s.ptr, end = p + s.len;
    while (p < end) {
        ptr q = es_plain(p); /* stops at the closing quote at the latest */
        size_t n = (size_t)(q - p);
        if (n <= 32)
            memcpy(o, p, 32); /* both sides have ES_PAD bytes to spare */
        else
            memcpy(o, p, n);
        o += n;
        if (q >= end)
            break;
        p = q + 2;
        switch (q[1]) {
        case 'n': *o++ = '\n'; break;
        case 't': *o++ = '\t'; break;
        case 'r': *o++ = '\r'; break;
        case 'b': *o++ = '\b'; break;
        case 'f': *o++ = '\f'; break;
        case 'u': {
            unsigned c = 0, low = 0;
            es_hex4(p, &c);
            p += 4;
            if (c >= 0xd800 && c < 0xdc00) {
                es_hex4(p + 2, &low);
                p += 6;
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            }
            o += put_utf8(o, c);
            break;
        }
        default: *o++ = q[1];
        }
    }
    return (size_t)(o - out);
}

static const struct {
    const char *path;
    int slot;
} SLOT_PATHS[] = {
    {"target.path", ES_SLOT_TARGET},
    {"target.executable.path", ES_SLOT_TARGET_EXECUTABLE},
    {"file.path", ES_SLOT_FILE},
    {"source.path", ES_SLOT_SOURCE},
    {"file1.path", ES_SLOT_FILE1},
    {"file2.path", ES_SLOT_FILE2},
    {"destination.existing_file.path", ES_SLOT_EXISTING_FILE},
    {"destination.new_path.dir.path", ES_SLOT_NEW_DIR},
    {"destination.new_path.filename", ES_SLOT_NEW_FILENAME},
    {"target_dir.path", ES_SLOT_TARGET_DIR},
    {"target_filename", ES_SLOT_TARGET_FILENAME},
    {"target_name", ES_SLOT_TARGET_NAME},
    {"target_file.path", ES_SLOT_TARGET_FILE},
    {"dir.path", ES_SLOT_DIR},
    {"filename", ES_SLOT_FILENAME},
};

int es_slot(const char *path, size_t len)
{
    for (size_t i = 0; i < sizeof SLOT_PATHS / sizeof *SLOT_PATHS; i++)
        if (strlen(SLOT_PATHS[i].path) == len && memcmp(SLOT_PATHS[i].path, path, len) == 0)
            return SLOT_PATHS[i].slot;
    return -1;
}

static int two(ptr p, int *out)
{
    if (!es_digit(p[0]) || !es_digit(p[1]))
        return 0;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return 1;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days(int y, int m, int d)
{
    y -= m <= 2;
    int era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097LL + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int es_time(es_span s, int64_t *ns)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint8_t text[30 + ES_PAD];
    if (!s.ptr)
        return 0;
    ptr p = s.ptr;
    size_t n = s.len;
    if (s.escaped) {
        if (n > 6 * 30)
            return 1;
        uint8_t whole[6 * 30 + ES_PAD];
        n = es_unescape(whole, s);
        if (n > 30)
            return 1;
        memcpy(text, whole, n);
        p = text;
    }
    int century, year, month, day, hour, minute, second;
    if (n < 20 || n > 30 || p[n - 1] != 'Z' || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':')
        return 1;
    if (!two(p, &century) || !two(p + 2, &year) || !two(p + 5, &month) || !two(p + 8, &day) || !two(p + 11, &hour) ||
        !two(p + 14, &minute) || !two(p + 17, &second))
        return 1;
    year += century * 100;
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1] || hour > 23 ||
        minute > 59 || second > 59)
        return 1;
    if (month == 2 && day == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
        return 1;
    int64_t fraction = 0;
    if (n > 20) {
        if (p[19] != '.' || n == 21)
            return 1;
        for (size_t i = 20; i < 29; i++) {
            if (i < n - 1 && !es_digit(p[i]))
                return 1;
            fraction = fraction * 10 + (i < n - 1 ? p[i] - '0' : 0);
        }
    }
    *ns = (((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000000LL + fraction;
    return n == 30 ? 7 : 3;
}

es_scanner *es_best_scanner(void)
{
#ifdef ES_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt"))
        return es_scan_avx2;
#endif
    return es_scan;
}
