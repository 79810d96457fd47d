/* consumer.c: starts an engine, refuses an empty file, says which library it found. */
#include <canonjit.h>

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
    printf("%s, %s\n", cj_version(), cj_build_info());
    return status == CJ_MALFORMED && strcmp(cj_version(), CJ_VERSION_STRING) == 0 ? 0 : 2;
}
