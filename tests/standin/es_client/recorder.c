/* Endpoint Security's calls, recorded: one line each on stdout, whatever their arguments.

   RECORDER_FAIL=N makes the call of that number (from 1, of those that can fail) fail. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "recorder.h"

struct es_client {
    int calls;
    bool inverted[ES_MUTE_INVERSION_TYPE_LAST];
};

es_client_t *recorder_new(void)
{
    return calloc(1, sizeof(es_client_t));
}

void recorder_free(es_client_t *client)
{
    free(client);
}

static bool fails(es_client_t *client)
{
    const char *number = getenv("RECORDER_FAIL");
    return ++client->calls == (number ? atoi(number) : 0);
}

static es_return_t result(es_client_t *client)
{
    putchar('\n');
    return fails(client) ? ES_RETURN_ERROR : ES_RETURN_SUCCESS;
}

static void put_path(const char *name, es_mute_path_type_t type, const char *path)
{
    printf("%s %d ", name, (int)type);
    for (; *path != '\0'; path++) {
        printf("%02x", (unsigned char)*path);
    }
}

static void put_events(const es_event_type_t *events, size_t count)
{
    putchar(' ');
    for (size_t i = 0; i < count; i++) {
        printf(i ? ",%d" : "%d", (int)events[i]);
    }
}

static void put_token(const char *name, const audit_token_t *token)
{
    printf("%s ", name);
    for (int i = 0; i < 8; i++) {
        printf(i ? ",%u" : "%u", token->val[i]);
    }
}

es_return_t es_mute_process(es_client_t *client, const audit_token_t *token)
{
    put_token("mute_process", token);
    return result(client);
}

es_return_t es_mute_process_events(es_client_t *client, const audit_token_t *token, const es_event_type_t *events,
                                   size_t count)
{
    put_token("mute_process_events", token);
    put_events(events, count);
    return result(client);
}

es_return_t es_mute_path(es_client_t *client, const char *path, es_mute_path_type_t type)
{
    put_path("mute_path", type, path);
    return result(client);
}

es_return_t es_mute_path_events(es_client_t *client, const char *path, es_mute_path_type_t type,
                                const es_event_type_t *events, size_t count)
{
    put_path("mute_path_events", type, path);
    put_events(events, count);
    return result(client);
}

es_return_t es_unmute_all_paths(es_client_t *client)
{
    printf("unmute_all_paths");
    return result(client);
}

es_return_t es_unmute_all_target_paths(es_client_t *client)
{
    printf("unmute_all_target_paths");
    return result(client);
}

es_return_t es_muted_paths_events(es_client_t *client, es_muted_paths_t **muted_paths)
{
    printf("muted_paths_events");
    if (result(client) != ES_RETURN_SUCCESS) {
        return ES_RETURN_ERROR;
    }
    *muted_paths = calloc(1, sizeof(es_muted_paths_t));
    return ES_RETURN_SUCCESS;
}

void es_release_muted_paths(es_muted_paths_t *muted_paths)
{
    puts("release_muted_paths");
    free(muted_paths);
}

es_return_t es_invert_muting(es_client_t *client, es_mute_inversion_type_t type)
{
    client->inverted[type] = !client->inverted[type];
    printf("invert_muting %d", (int)type);
    return result(client);
}

es_mute_inverted_return_t es_muting_inverted(es_client_t *client, es_mute_inversion_type_t type)
{
    printf("muting_inverted %d\n", (int)type);
    if (fails(client)) {
        return ES_MUTE_INVERTED_ERROR;
    }
    return client->inverted[type] ? ES_MUTE_INVERTED : ES_MUTE_NOT_INVERTED;
}

es_return_t es_subscribe(es_client_t *client, const es_event_type_t *events, uint32_t count)
{
    printf("subscribe");
    put_events(events, count);
    return result(client);
}
