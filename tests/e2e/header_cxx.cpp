// header_cxx.cpp: canonjit.h as C++17 sees it: it compiles without warnings, links by its C names, and its inline call works.
#include "canonjit.h"

#include <cstdio>
#include <cstring>
#include <type_traits>

static_assert(std::is_standard_layout<cj_val>::value, "values cross the boundary");
static_assert(std::is_standard_layout<cj_error>::value, "so do errors");
static_assert(sizeof(cj_string) == 2 * sizeof(void *), "pointer and length");

static cj_status entry(cj_func *, const void *args, void *results, cj_arena *)
{
    *static_cast<int *>(results) = *static_cast<const int *>(args) + 1;
    return CJ_OK;
}

int main()
{
    cj_string text = CJ_STRING("text");
    if (text.len != 4)
        return 1;
    cj_func_head head = {entry};
    int arg = 41, result = 0;
    if (cj_call_native(reinterpret_cast<cj_func *>(&head), &arg, &result, nullptr) != CJ_OK || result != 42)
        return 1;

    cj_config config;
    cj_config_init(&config);
    cj_engine *engine = nullptr;
    cj_error err;
    if (cj_engine_new(&config, &engine, &err) != CJ_OK) {
        std::fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    cj_component *component = nullptr;
    if (cj_component_new(engine, nullptr, 0, &component, &err) != CJ_MALFORMED || component)
        return 1;
    cj_engine_delete(engine);
    return std::strcmp(cj_version(), CJ_VERSION_STRING) == 0 ? 0 : 1;
}
