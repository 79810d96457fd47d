/* build_info.c: which WAMR this is.
 *
 * Place in the pipeline: a leaf of engine/.
 */
#include "engine/engine.h"

#include "version.h"

#if CJ_ENGINE_JIT && CJ_HARDWARE_BOUNDS
#define CJ_ENGINE_NAME "llvm-jit"
#elif CJ_ENGINE_JIT
#define CJ_ENGINE_NAME "llvm-jit with software bounds checks"
#elif WASM_ENABLE_FAST_INTERP
#define CJ_ENGINE_NAME "fast-interp"
#else
#define CJ_ENGINE_NAME "classic-interp"
#endif

#define CJ_TEXT_(x) #x
#define CJ_TEXT(x) CJ_TEXT_(x)
#define CJ_WAMR_VERSION CJ_TEXT(WAMR_VERSION_MAJOR) "." CJ_TEXT(WAMR_VERSION_MINOR) "." CJ_TEXT(WAMR_VERSION_PATCH)

const char *cj__core_build_info(void)
{
    return "WAMR " CJ_WAMR_VERSION " " CJ_ENGINE_NAME;
}
