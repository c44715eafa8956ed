/* Latencies in bounded memory: buckets that are exact below 64 and within 1/32 above. */
#ifndef CLIENT_CLI_HISTOGRAM_H
#define CLIENT_CLI_HISTOGRAM_H

#include <stdint.h>

#define MS_HISTOGRAM_BUCKETS 1920

struct ms_cli_histogram {
    uint64_t counts[MS_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
};

void ms_cli_histogram_add(struct ms_cli_histogram *histogram, uint64_t value);

/* The value that so many thousandths of all do not exceed; 0 when there is none. */
uint64_t ms_cli_histogram_quantile(const struct ms_cli_histogram *histogram, uint32_t permille);

#endif
