/* job.c: the guest of job.wit.
 */
#include "cabi.h"

IMPORT("example:job/host@1.0.0", "log") void host_log(uint32_t level, const void *message, uint32_t len);
IMPORT("example:job/host@1.0.0", "price") void host_price(const void *item, uint32_t len, void *result);

typedef struct price {
    uint8_t known;
    uint32_t value;
} price;

typedef struct total {
    uint8_t failed;
    union {
        uint64_t sum;
        uint32_t missing;
    };
} total;

static void log_text(uint32_t level, const char *before, str item)
{
    text t = {0};
    put_z(&t, before), put_str(&t, item);
    str message = text_str(&t);
    host_log(level, message.ptr, message.len);
}

EXPORT("total") total *job_total(const str *items, uint32_t count)
{
    total t = {0};
    uint32_t missing = 0;
    for (uint32_t i = 0; i < count; i++) {
        price p;
        host_price(items[i].ptr, items[i].len, &p);
        if (p.known) {
            t.sum += p.value;
            log_text(0, "sold: ", items[i]);
        } else {
            missing++;
            log_text(1, "no price for ", items[i]);
        }
    }
    if (missing)
        t = (total){.failed = 1, .missing = missing};
    heap_reset();
    return RESULT(total, t);
}
