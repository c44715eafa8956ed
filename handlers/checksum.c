/* checksum: the SHA-256 of the payload, in hexadecimal. */
#include <openssl/evp.h>

#include "handlers/ms_handler.h"

static int run(struct ms_job *job, void *state)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (EVP_Digest(job->payload, job->payload_size, digest, &size, state, NULL) != 1) {
        ms_job_set_detail(job, "libcrypto cannot compute SHA-256");
        return MS_RETRY;
    }
    for (unsigned i = 0; i < size; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    return ms_job_write(job, hex, 2 * (size_t)size) == 0 ? MS_OK : MS_CANCELLED;
}

/* Fetched once: looking an algorithm up costs more than a small digest. */
static int init(const struct ms_host *host, const char *args, void **state)
{
    EVP_MD *algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);

    (void)host;
    (void)args;
    *state = algorithm;
    return algorithm != NULL ? 0 : -1;
}

static void finish(void *state)
{
    EVP_MD_free(state);
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "checksum",
    .about = "gives the SHA-256 of the payload in hexadecimal",
    .init = init,
    .finish = finish,
    .run = run,
};
