/* consumer.c: starts an engine, refuses an empty file, says which library it found, and that the package says the same
 * (BOUNDS). */
#include <canonjit.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    cj_engine *engine = NULL;
    cj_component *component = NULL;
    cj_error err;
    if (cj_engine_new(NULL, &engine, &err) != CJ_OK)
        return 1;
    cj_status status = cj_component_new(engine, (const uint8_t *)"", 0, &component, &err);
    cj_engine_delete(engine);
    printf("%s, %s, %s bounds\n", cj_version(), cj_build_info(), BOUNDS);
    bool compares = strstr(cj_build_info(), "-interp") != NULL || strstr(cj_build_info(), "software bounds") != NULL;
    if (strcmp(BOUNDS, compares ? "software" : "hardware") != 0)
        return 3;
    return status == CJ_MALFORMED && strcmp(cj_version(), CJ_VERSION_STRING) == 0 ? 0 : 2;
}
