/* embed.c: loads a component that exports greet: func(name: string) -> string, and calls it with dynamic values.
 *
 *     cc embed.c $(pkg-config --cflags --libs canonjit) -o embed && ./embed greet.wasm
 */
#include <canonjit.h>

#include "read_file.h"

int main(int argc, char **argv)
{
    cj_engine *engine = NULL;
    cj_component *component = NULL;
    cj_store *store = NULL;
    cj_instance *instance;
    cj_error err;
    file_bytes file = read_file(argc > 1 ? argv[1] : "greet.wasm");

    /* What follows stands in README.md. */
    cj_val name = {.kind = CJ_KIND_STRING, .of.string = CJ_STRING("world")}, greeting;
    char text[512];
    bool ok = cj_engine_new(NULL, &engine, &err) == CJ_OK &&
              cj_component_new(engine, file.bytes, file.size, &component, &err) == CJ_OK &&
              cj_store_new(engine, NULL, NULL, &store, &err) == CJ_OK &&
              cj_instantiate(store, NULL, component, &instance, &err) == CJ_OK &&
              cj_call(cj_instance_func(instance, "greet"), &name, 1, &greeting, 1, NULL, &err) == CJ_OK;
    if (ok)
        printf("%.*s\n", (int)greeting.of.string.len, greeting.of.string.ptr);
    else if (cj_error_format(&err, text, sizeof(text)) > 0)
        fprintf(stderr, "%s\n", text);

    cj_store_delete(store);
    cj_component_delete(component);
    cj_engine_delete(engine);
    free(file.bytes);
    return ok ? 0 : 1;
}
