/* A client whose calls are recorded. */
#ifndef STANDIN_RECORDER_H
#define STANDIN_RECORDER_H

#include <EndpointSecurity/EndpointSecurity.h>

es_client_t *recorder_new(void);
void recorder_free(es_client_t *client);

#endif
