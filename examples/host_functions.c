/* host_functions.c: a guest that imports functions, one offered by the native door, one by the dynamic one.
 *
 *     interface host {                                          // example:job/host@1.0.0
 *         enum level { info, warning }
 *         log: func(level: level, message: string);
 *         price: func(item: string) -> option<u32>;
 *     }
 *     world job { import host; export total: func(items: list<string>) -> result<u64, u32>; }
 *
 *     ./host_functions job.wasm apple pear
 */
#include <canonjit.h>

#include "read_file.h"

#include <string.h>

/* The native door: `args` points to a C struct of the parameters (docs/host-layout.md). The string is a view into the
 * guest's memory. */
typedef struct log_args {
    uint8_t level;
    cj_string message;
} log_args;

static cj_status host_log(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)results, (void)err;
    const log_args *a = args;
    unsigned *lines = user;
    printf("%u %s: %.*s\n", ++*lines, a->level ? "warning" : "info", (int)a->message.len, a->message.ptr);
    return CJ_OK;
}

/* The dynamic door: values with their kinds. A payload must live until the guest goes on: cj_ctx_alloc. */
static cj_status host_price(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                            size_t nresults, cj_error *err)
{
    static const struct {
        const char *item;
        uint32_t price;
    } prices[] = {{"apple", 30}, {"pear", 45}, {"melon", 250}};
    (void)user, (void)nargs, (void)nresults;
    results[0] = (cj_val){.kind = CJ_KIND_OPTION};
    for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++) {
        cj_string item = args[0].of.string;
        if (strlen(prices[i].item) != item.len || memcmp(prices[i].item, item.ptr, item.len) != 0)
            continue;
        cj_val *payload = cj_ctx_alloc(ctx, sizeof(*payload), _Alignof(cj_val));
        if (!payload) {
            err->status = CJ_HOST; /* becomes a trap of the guest with this text */
            snprintf(err->message, sizeof(err->message), "no memory for a price");
            return CJ_HOST;
        }
        *payload = (cj_val){.kind = CJ_KIND_U32, .of.u32 = prices[i].price};
        results[0].of.choice.index = 1;
        results[0].of.choice.payload = payload;
    }
    return CJ_OK;
}

int main(int argc, char **argv)
{
    enum { MOST = 16 };
    static const char interface[] = "example:job/host@1.0.0";
    if (argc < 2 || argc > MOST + 2) {
        fprintf(stderr, "usage: host_functions job.wasm ITEM...\n");
        return 2;
    }
    file_bytes file = read_file(argv[1]);
    cj_engine *engine = NULL;
    cj_component *component = NULL;
    cj_linker *linker = NULL;
    cj_store *store = NULL;
    cj_instance *instance;
    cj_error err;
    unsigned lines = 0;

    cj_val words[MOST], result;
    size_t count = (size_t)argc - 2;
    for (size_t i = 0; i < count; i++)
        words[i] = (cj_val){.kind = CJ_KIND_STRING, .of.string = {argv[i + 2], strlen(argv[i + 2])}};
    cj_val items = {.kind = CJ_KIND_LIST, .of.seq = {words, count}};

    bool ok = cj_engine_new(NULL, &engine, &err) == CJ_OK &&
              cj_component_new(engine, file.bytes, file.size, &component, &err) == CJ_OK &&
              cj_linker_new(engine, &linker, &err) == CJ_OK &&
              cj_linker_func(linker, interface, "log", host_log, &lines, &err) == CJ_OK &&
              cj_linker_dyn_func(linker, interface, "price", host_price, NULL, &err) == CJ_OK &&
              cj_store_new(engine, NULL, NULL, &store, &err) == CJ_OK &&
              cj_instantiate(store, linker, component, &instance, &err) == CJ_OK &&
              cj_call(cj_instance_func(instance, "total"), &items, 1, &result, 1, NULL, &err) == CJ_OK;
    if (!ok)
        print_error(&err);
    else if (result.of.choice.index == 0)
        printf("total: %llu\n", (unsigned long long)result.of.choice.payload->of.u64);
    else
        printf("items without a price: %u\n", result.of.choice.payload->of.u32);

    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_component_delete(component);
    cj_engine_delete(engine);
    free(file.bytes);
    return ok ? 0 : 1;
}
