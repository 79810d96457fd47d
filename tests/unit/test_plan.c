/* test_plan.c: move plans: what is emitted for which types, merging of copies, spilling, joined slots, handles, fused
 * plans, keys, limits, paths, the self-check.
 *
 * Plans are compared as text (plan_print.c). Expected texts were derived by hand from the spec's layout and flattening
 * rules.
 */
#include "support/cmocka_all.h"
#include "support/make_types.h"
#include "support/random_values.h"
#include "support/track_alloc.h"

#include "abi/plan.h"

static cj_types *T;

static int set_up(void **state)
{
    (void)state;
    T = cj__types_new(NULL, 1000);
    return T ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cj__types_delete(T);
    return 0;
}

/* -- Building ------------------------------------------------------------------------------------------------------ */

static cj_config config_with(uint32_t max_plan_ops)
{
    cj_config config;
    memset(&config, 0, sizeof(config));
    config.max_plan_ops = max_plan_ops;
    return config;
}

static const cj_functype *functype(const cj_type *const *params, uint32_t count, const cj_type *result)
{
    cj_param named[T_MAX_MEMBERS];
    static const char names[] = "pppppppppppppppppppppppppppppppppppppppppp";
    cj_error err;
    assert_true(count <= T_MAX_MEMBERS);
    for (uint32_t i = 0; i < count; i++)
        named[i] = (cj_param){{names, i + 1}, params[i]};
    const cj_functype *type = cj__functype_make(T, named, count, result, false, &err);
    assert_non_null(type);
    return type;
}

#define PARAMS(...) (const cj_type *const[]){__VA_ARGS__}, CJ_COUNT(((const cj_type *const[]){__VA_ARGS__}))
#define NO_PARAMS NULL, 0

static cj_plan *build(const cj_functype *type, cj_plan_options options)
{
    cj_config config = config_with(65536);
    cj_plan *plan = NULL;
    cj_error err;
    memset(&err, 0, sizeof(err));
    options.has_memory = options.has_realloc = true;
    options.caller_has_memory = options.caller_has_realloc = options.kind == CJ_PLAN_FUSED;
    cj_status status = cj__plan_build(&config, type, &options, &plan, &err);
    if (status != CJ_OK)
        fail_msg("%s", err.message);
    status = cj__plan_check(plan, &err);
    if (status != CJ_OK)
        fail_msg("%s", err.message);
    return plan;
}

static cj_plan_options exports(cj_encoding encoding)
{
    return (cj_plan_options){.kind = CJ_PLAN_EXPORT, .encoding = encoding};
}

static cj_plan_options imports(cj_encoding encoding)
{
    return (cj_plan_options){.kind = CJ_PLAN_IMPORT, .encoding = encoding};
}

static cj_plan_options fused(cj_encoding caller, cj_encoding callee)
{
    return (cj_plan_options){.kind = CJ_PLAN_FUSED, .encoding = callee, .caller_encoding = caller};
}

static const cj_type *handle(cj_kind kind, uint32_t resource)
{
    cj_error err;
    const cj_type *type = cj__type_handle(T, kind, resource, &err);
    assert_non_null(type);
    return type;
}

static void expect_text(const cj_functype *type, cj_plan_options options, const char *expected)
{
    cj_plan *plan = build(type, options);
    size_t len;
    char *text = cj__plan_print(NULL, plan, type, &len);
    assert_non_null(text);
    assert_int_equal(strlen(text), len);
    if (strcmp(text, expected) != 0)
        fail_msg("got\n%s\nexpected\n%s", text, expected);
    cj__free(cj__alloc_or_default(NULL), text, len + 1);
    cj__plan_delete(plan);
}

/* The code of operation `i`. */
static const cj_op *arg(const cj_plan *plan, uint32_t i)
{
    assert_true(i < plan->args.op_count);
    return &plan->args.ops[i];
}

/* -- Plans as text ------------------------------------------------------------------------------------------------- */

static void test_scalars(void **state)
{
    (void)state;
    const cj_functype *type =
        functype(PARAMS(t_bool(T), t_s8(T), t_u8(T), t_s16(T), t_u16(T), t_s32(T), t_u32(T), t_s64(T), t_u64(T),
                        t_f32(T), t_f64(T), t_char(T), t_labels(T, CJ_KIND_FLAGS, 9), t_labels(T, CJ_KIND_ENUM, 257)),
                 t_s8(T));
    expect_text(type, exports(CJ_UTF8),
                "export utf8, core (i32, i32, i32, i32, i32, i32, i32, i64, i64, f32, f64, i32, i32, i32) -> i32\n"
                "args: host 56/8 -> flat 14\n"
                "   0 bool           h0 -> f0                                ; param 0\n"
                "   1 s8             h1 -> f1                                ; param 1\n"
                "   2 u8             h2 -> f2                                ; param 2\n"
                "   3 s16            h4 -> f3                                ; param 3\n"
                "   4 u16            h6 -> f4                                ; param 4\n"
                "   5 u32            h8 -> f5                                ; param 5\n"
                "   6 u32            h12 -> f6                               ; param 6\n"
                "   7 u64            h16 -> f7                               ; param 7\n"
                "   8 u64            h24 -> f8                               ; param 8\n"
                "   9 f32            h32 -> f9                               ; param 9\n"
                "  10 f64            h40 -> f10                              ; param 10\n"
                "  11 char           h48 -> f11                              ; param 11\n"
                "  12 flags u16      h52 -> f12  9 labels                    ; param 12\n"
                "  13 enum u16       h54 -> f13  257 cases                   ; param 13\n"
                "results: flat 1 -> host 1/1\n"
                "   0 u8             f0 -> h0                                ; result\n");
    expect_text(functype(NO_PARAMS, NULL), imports(CJ_UTF8),
                "import utf8, core ()\n"
                "args: none\n"
                "results: none\n");
}

static void test_example_of_the_printer(void **state)
{
    (void)state;
    expect_text(functype(PARAMS(t_string(T), t_option(T, t_list(T, t_u32(T)))), NULL), imports(CJ_UTF8),
                "import utf8, core (i32, i32, i32, i32, i32)\n"
                "args: flat 5 -> host 40/8\n"
                "   0 string         f0 -> h0  view                          ; param 0\n"
                "   1 variant u8     f2 -> h16  2 cases, 2 payload slots     ; param 1\n"
                "     case 1\n"
                "   2   list           f3 -> h24  view 4/4 -> 4/4            ; param 1 .some\n"
                "results: none\n");
}

static void test_joined_slots(void **state)
{
    (void)state;
    /* f64 | (i32, i32) | (i32, f32): slots join to i64 and i32. (i32, f32) | i64: to i64 and f32. */
    const cj_type *pair = t_record(T, 2, "a", t_s8(T), "b", t_f32(T));
    const cj_type *v = t_variant(T, 4, "n", (const cj_type *)NULL, "f", t_f64(T), "s", t_string(T), "r", pair);
    const cj_type *nested = t_result(T, t_option(T, t_f32(T)), t_u64(T));
    expect_text(functype(PARAMS(v, nested), t_result(T, NULL, NULL)), exports(CJ_UTF16),
                "export utf16, core (i32, i64, i32, i32, i64, f32) -> i32\n"
                "args: host 40/8 -> flat 6\n"
                "   0 variant u8     h0 -> f0  4 cases, 2 payload slots      ; param 0\n"
                "     case 1\n"
                "   1   f64            h8 -> f1                              ; param 0 .f\n"
                "     case 2\n"
                "   2   string         h8 -> f1  copy                        ; param 0 .s\n"
                "     case 3\n"
                "   3   s8             h8 -> f1                              ; param 0 .r .a\n"
                "   4   f32            h12 -> f2                             ; param 0 .r .b\n"
                "   5 variant u8     h24 -> f3  2 cases, 2 payload slots     ; param 1\n"
                "     case 0\n"
                "   6   variant u8     h32 -> f4  2 cases, 1 payload slots   ; param 1 .ok\n"
                "       case 1\n"
                "   7     f32            h36 -> f5                           ; param 1 .ok .some\n"
                "     case 1\n"
                "   8   u64            h32 -> f4                             ; param 1 .err\n"
                "results: flat 1 -> host 1/1\n"
                "   0 enum u8        f0 -> h0  2 cases                       ; result\n");
}

static void test_spilled(void **state)
{
    (void)state;
    const cj_type *params[17];
    for (int i = 0; i < 17; i++)
        params[i] = i == 8 ? t_string(T) : i & 1 ? t_u8(T) : t_u64(T);
    const cj_functype *type = functype(params, 17, t_tuple(T, 2, t_string(T), t_bool(T)));
    /* Into the guest, the seven bytes between u8 and u64 must not be copied. */
    expect_text(type, exports(CJ_LATIN1_UTF16),
                "export latin1+utf16, core (i32) -> i32\n"
                "args: host 144/8 -> memory 128/8\n"
                "   0 copy           h0 -> m0  9/8                           ; param 0\n"
                "   1 copy           h16 -> m16  9/8                         ; param 2\n"
                "   2 copy           h32 -> m32  9/8                         ; param 4\n"
                "   3 copy           h48 -> m48  9/8                         ; param 6\n"
                "   4 string         h64 -> m60  copy                        ; param 8\n"
                "   5 u8             h80 -> m68                              ; param 9\n"
                "   6 copy           h88 -> m72  9/8                         ; param 10\n"
                "   7 copy           h104 -> m88  9/8                        ; param 12\n"
                "   8 copy           h120 -> m104  9/8                       ; param 14\n"
                "   9 u64            h136 -> m120                            ; param 16\n"
                "results: memory 12/4 -> host 24/8\n"
                "   0 string         m0 -> h0  copy                          ; result .0\n"
                "   1 bool           m8 -> h16                               ; result .1\n");
    /* Out of it they may. */
    expect_text(type, imports(CJ_LATIN1_UTF16),
                "import latin1+utf16, core (i32, i32)\n"
                "args: memory 128/8 -> host 144/8\n"
                "   0 copy           m0 -> h0  57/8                          ; param 0\n"
                "   1 string         m60 -> h64  copy                        ; param 8\n"
                "   2 u8             m68 -> h80                              ; param 9\n"
                "   3 copy           m72 -> h88  56/8                        ; param 10\n"
                "results: host 24/8 -> memory 12/4\n"
                "   0 string         h0 -> m0  copy                          ; result .0\n"
                "   1 bool           h16 -> m8                               ; result .1\n");
}

static void test_spilled_result_alone(void **state)
{
    (void)state;
    const cj_type *sixteen[16];
    for (int i = 0; i < 16; i++)
        sixteen[i] = t_u32(T);
    cj_plan *plan = build(functype(sixteen, 16, t_string(T)), imports(CJ_UTF8));
    assert_int_equal(plan->sig.param_count, 17);
    assert_false(plan->sig.spill_params);
    assert_true(plan->sig.spill_results);
    assert_int_equal(plan->args.src, CJ_SPACE_FLAT);
    assert_int_equal(plan->results.dst, CJ_SPACE_MEM);
    assert_int_equal(plan->args.op_count, 16);
    assert_int_equal(plan->host_args_size, 64);
    assert_int_equal(plan->host_result_size, sizeof(cj_string));
    cj__plan_delete(plan);
}

static void test_list_bodies(void **state)
{
    (void)state;
    const cj_type *padded = t_record(T, 3, "id", t_u32(T), "w", t_u64(T), "s", t_f32(T));
    const cj_type *deep = t_list(T, t_list(T, t_record(T, 2, "name", t_string(T), "n", padded)));
    expect_text(functype(PARAMS(deep), NULL), exports(CJ_UTF8),
                "export utf8, core (i32, i32)\n"
                "args: host 16/8 -> flat 2\n"
                "   0 list           h0 -> f0  loop 16/8 -> 8/4              ; param 0\n"
                "   1   list           h0 -> m0  loop 40/8 -> 32/8           ; param 0[]\n"
                "   2     string         h0 -> m0  copy                      ; param 0[][] .name\n"
                "   3     u32            h16 -> m8                           ; param 0[][] .n .id\n"
                "   4     copy           h24 -> m16  12/8                    ; param 0[][] .n .w\n"
                "results: none\n");
    expect_text(functype(NO_PARAMS, deep), exports(CJ_UTF8),
                "export utf8, core () -> i32\n"
                "args: none\n"
                "results: memory 8/4 -> host 16/8\n"
                "   0 list           m0 -> h0  loop 8/4 -> 16/8              ; result\n"
                "   1   list           m0 -> h0  loop 32/8 -> 40/8           ; result[]\n"
                "   2     string         m0 -> h0  copy                      ; result[][] .name\n"
                "   3     copy           m8 -> h16  24/8                     ; result[][] .n\n");
}

/* -- Modes --------------------------------------------------------------------------------------------------------- */

static cj_move_mode mode_of_arg(const cj_type *type, cj_plan_options options)
{
    cj_plan *plan = build(functype(PARAMS(type), NULL), options);
    cj_move_mode mode = (cj_move_mode)arg(plan, 0)->mode;
    assert_int_equal(arg(plan, 0)->next, plan->args.op_count);
    cj__plan_delete(plan);
    return mode;
}

static cj_move_mode mode_of_result(const cj_type *type, cj_plan_options options)
{
    cj_plan *plan = build(functype(NO_PARAMS, type), options);
    cj_move_mode mode = (cj_move_mode)plan->results.ops[0].mode;
    cj__plan_delete(plan);
    return mode;
}

static void test_list_modes(void **state)
{
    (void)state;
    const cj_type *dense = t_list(T, t_tuple(T, 2, t_u32(T), t_f32(T)));
    const cj_type *padded = t_list(T, t_tuple(T, 2, t_u64(T), t_f32(T)));
    const cj_type *checked = t_list(T, t_char(T));
    struct {
        const cj_type *type;
        cj_move_mode export_arg, export_result, import_arg, import_result;
    } cases[] = {
        {dense, CJ_MODE_BLOCK, CJ_MODE_BLOCK, CJ_MODE_VIEW, CJ_MODE_BLOCK},
        {padded, CJ_MODE_LOOP, CJ_MODE_BLOCK, CJ_MODE_VIEW, CJ_MODE_LOOP},
        {checked, CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP},
        {t_list(T, t_bool(T)), CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP},
        {t_list(T, t_labels(T, CJ_KIND_FLAGS, 8)), CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP},
        {t_list(T, t_labels(T, CJ_KIND_ENUM, 256)), CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP},
        {t_list(T, t_option(T, t_u8(T))), CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP, CJ_MODE_LOOP},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        assert_int_equal(mode_of_arg(cases[i].type, exports(CJ_UTF8)), cases[i].export_arg);
        assert_int_equal(mode_of_result(cases[i].type, exports(CJ_UTF8)), cases[i].export_result);
        assert_int_equal(mode_of_arg(cases[i].type, imports(CJ_UTF8)), cases[i].import_arg);
        assert_int_equal(mode_of_result(cases[i].type, imports(CJ_UTF8)), cases[i].import_result);
    }
}

static void test_string_modes(void **state)
{
    (void)state;
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++) {
        assert_int_equal(mode_of_arg(t_string(T), exports(e)), CJ_MODE_LOOP);
        assert_int_equal(mode_of_result(t_string(T), exports(e)), CJ_MODE_LOOP);
        assert_int_equal(mode_of_arg(t_string(T), imports(e)), e == CJ_UTF8 ? CJ_MODE_VIEW : CJ_MODE_LOOP);
        assert_int_equal(mode_of_result(t_string(T), imports(e)), CJ_MODE_LOOP);
    }
    /* The elements of a list that is looped over are views too. */
    cj_plan *plan = build(functype(PARAMS(t_list(T, t_string(T))), NULL), imports(CJ_UTF8));
    assert_int_equal(arg(plan, 0)->mode, CJ_MODE_LOOP);
    assert_int_equal(arg(plan, 1)->mode, CJ_MODE_VIEW);
    cj__plan_delete(plan);
}

/* -- Merging of copies --------------------------------------------------------------------------------------------- */

/* The operations of a result (guest -> host) or of the elements of a parameter (host -> guest) as "copy@8:12 u32@0". */
static const char *brief(const cj_moves *moves, uint32_t first, bool by_guest)
{
    static char text[1024];
    size_t n = 0;
    text[0] = 0;
    for (uint32_t i = first; i < moves->op_count; i++) {
        const cj_op *op = &moves->ops[i];
        uint32_t at = (moves->src == CJ_SPACE_HOST) == by_guest ? op->dst : op->src;
        uint32_t size = op->code == CJ_OP_COPY ? op->size : op->width;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s@%u:%u", n ? " " : "", cj__op_name((cj_opcode)op->code),
                              at, size);
    }
    return text;
}

static void expect_merged(const cj_type *elem, const char *into_guest, const char *out_of_guest)
{
    /* In an element of a list with a bool before it, so that it is neither a block nor alone. */
    const cj_type *list = t_list(T, t_tuple(T, 2, t_bool(T), elem));
    cj_plan *plan = build(functype(PARAMS(list), NULL), exports(CJ_UTF8));
    assert_int_equal(arg(plan, 0)->code, CJ_OP_LIST);
    assert_string_equal(brief(&plan->args, 2, true), into_guest);
    cj__plan_delete(plan);
    plan = build(functype(NO_PARAMS, list), exports(CJ_UTF8));
    assert_string_equal(brief(&plan->results, 2, true), out_of_guest);
    cj__plan_delete(plan);
}

static void test_merging(void **state)
{
    (void)state;
    const cj_type *u8 = t_u8(T), *u16 = t_u16(T), *u32 = t_u32(T), *u64 = t_u64(T), *f32 = t_f32(T),
                  *boolean = t_bool(T);
    expect_merged(u8, "int@1:1", "int@1:1");
    expect_merged(t_tuple(T, 1, u32), "int@4:4", "int@4:4");
    expect_merged(t_tuple(T, 2, u16, u16), "copy@2:4", "copy@2:4");
    expect_merged(t_tuple(T, 4, u8, u8, u8, u8), "copy@1:4", "copy@1:4");
    /* Padding inside: only outwards. */
    expect_merged(t_tuple(T, 2, u8, u32), "int@4:1 int@8:4", "copy@4:8");
    expect_merged(t_tuple(T, 3, u8, u16, u32), "int@4:1 copy@6:6", "copy@4:8");
    /* Padding at the end, and a dense inner record with padding before it. */
    expect_merged(t_tuple(T, 2, u64, f32), "copy@8:12", "copy@8:16");
    expect_merged(t_tuple(T, 3, u32, f32, t_tuple(T, 2, u32, u64)), "copy@8:12 int@24:8", "copy@8:24");
    /* What needs a check or normalising stands between. */
    expect_merged(t_tuple(T, 3, u32, boolean, u8), "int@4:4 bool@8:0 int@9:1", "int@4:4 bool@8:0 int@9:1");
    expect_merged(t_tuple(T, 3, u32, t_char(T), u32), "int@4:4 char@8:0 int@12:4", "int@4:4 char@8:0 int@12:4");
    expect_merged(t_tuple(T, 4, u32, u32, t_labels(T, CJ_KIND_FLAGS, 3), u8), "copy@4:8 flags@12:1 int@13:1",
                  "copy@4:8 flags@12:1 int@13:1");
    /* Where the layouts differ, after a string, each side keeps its own offsets; only equal distances merge. */
    expect_merged(t_tuple(T, 3, t_string(T), u32, u32), "string@4:0 copy@12:8", "string@4:0 copy@12:8");
    expect_merged(t_tuple(T, 3, t_string(T), u32, u64), "string@8:0 int@16:4 int@24:8", "string@8:0 copy@16:16");
    /* The guest's u64 lies 4 bytes after the u32, the host's 8. */
    expect_merged(t_tuple(T, 4, t_char(T), t_string(T), u32, u64), "char@8:0 string@12:0 int@20:4 int@24:8",
                  "char@8:0 string@12:0 int@20:4 int@24:8");
}

static void test_merging_keeps_ranges_apart(void **state)
{
    (void)state;
    /* Neither across the beginning of a case, nor between cases, nor after a variant or a list. */
    const cj_type *v = t_variant(T, 3, "a", t_u8(T), "b", t_u16(T), "c", t_tuple(T, 2, t_u8(T), t_u8(T)));
    expect_merged(t_tuple(T, 3, t_u8(T), v, t_u8(T)), "int@2:1 variant@4:1 int@6:1 int@6:2 copy@6:2 int@8:1",
                  "int@2:1 variant@4:1 int@6:1 int@6:2 copy@6:2 int@8:1");
    const cj_type *l = t_list(T, t_tuple(T, 2, t_bool(T), t_u8(T)));
    expect_merged(t_tuple(T, 3, t_u32(T), l, t_u32(T)), "int@4:4 list@8:0 bool@0:0 int@1:1 int@16:4",
                  "int@4:4 list@8:0 bool@0:0 int@1:1 int@16:4");
    const cj_type *block = t_list(T, t_u8(T));
    expect_merged(t_tuple(T, 3, t_u32(T), block, t_u32(T)), "int@4:4 list@8:0 int@16:4", "int@4:4 list@8:0 int@16:4");
}

static void test_copy_alignment(void **state)
{
    (void)state;
    /* u8 u8 u16 u32: begins at 1 in the tuple: nothing is known of its alignment but 1. */
    const cj_type *elem = t_tuple(T, 5, t_bool(T), t_u8(T), t_u16(T), t_u32(T), t_u64(T));
    cj_plan *plan = build(functype(PARAMS(t_list(T, elem)), NULL), exports(CJ_UTF8));
    const cj_op *copy = arg(plan, 2);
    assert_int_equal(copy->code, CJ_OP_COPY);
    assert_int_equal(copy->src, 1);
    assert_int_equal(copy->size, 15);
    assert_int_equal(copy->align, 1);
    cj__plan_delete(plan);
    /* After a char: 4. */
    elem = t_tuple(T, 3, t_char(T), t_u32(T), t_u64(T));
    plan = build(functype(PARAMS(t_list(T, elem)), NULL), exports(CJ_UTF8));
    assert_int_equal(arg(plan, 2)->size, 12);
    assert_int_equal(arg(plan, 2)->align, 4);
    cj__plan_delete(plan);
}

/* -- Handles ------------------------------------------------------------------------------------------------------- */

/* Slots in the order of first use, parameters before the result, own and borrow of one resource sharing one. */
static void test_handles(void **state)
{
    (void)state;
    const cj_type *v = t_variant(T, 3, "n", t_u64(T), "o", handle(CJ_KIND_OWN, 7), "f", t_f32(T));
    const cj_functype *type =
        functype(PARAMS(handle(CJ_KIND_BORROW, 40), v, t_list(T, handle(CJ_KIND_OWN, 40))),
                 t_result(T, handle(CJ_KIND_OWN, 9), t_list(T, t_tuple(T, 2, t_u32(T), handle(CJ_KIND_OWN, 7)))));
    expect_text(type, exports(CJ_UTF8),
                "export utf8, core (i32, i32, i64, i32, i32) -> i32\n"
                "args: host 40/8 -> flat 5\n"
                "   0 borrow         h0 -> f0  resource 0                    ; param 0\n"
                "   1 variant u8     h8 -> f1  3 cases, 1 payload slots      ; param 1\n"
                "     case 0\n"
                "   2   u64            h16 -> f2                             ; param 1 .n\n"
                "     case 1\n"
                "   3   own            h16 -> f2  resource 1                 ; param 1 .o\n"
                "     case 2\n"
                "   4   f32            h16 -> f2                             ; param 1 .f\n"
                "   5 list           h24 -> f3  loop 4/4 -> 4/4              ; param 2\n"
                "   6   own            h0 -> m0  resource 0                  ; param 2[]\n"
                "results: memory 12/4 -> host 24/8\n"
                "   0 variant u8     m0 -> h0  2 cases                       ; result\n"
                "     case 0\n"
                "   1   own            m4 -> h8  resource 2                  ; result .ok\n"
                "     case 1\n"
                "   2   list           m4 -> h8  loop 8/4 -> 8/4             ; result .err\n"
                "   3     u32            m0 -> h0                            ; result .err[] .0\n"
                "   4     own            m4 -> h4  resource 1                ; result .err[] .1\n");
    for (cj_plan_kind kind = CJ_PLAN_EXPORT; kind <= CJ_PLAN_FUSED; kind++) {
        cj_plan *plan = build(type, (cj_plan_options){.kind = kind});
        assert_int_equal(plan->resource_count, 3);
        assert_memory_equal(plan->resources, ((uint32_t[]){40, 7, 9}), 12);
        assert_true(plan->has_borrow);
        cj__plan_delete(plan);
    }

    cj_plan *plan = build(functype(PARAMS(handle(CJ_KIND_OWN, 3)), handle(CJ_KIND_OWN, 3)), imports(CJ_UTF8));
    assert_int_equal(plan->resource_count, 1);
    cj__plan_delete(plan);

    /* An own handle that goes to the host needs the scope, too; one that goes to a guest does not. */
    const cj_functype *takes = functype(PARAMS(t_list(T, handle(CJ_KIND_OWN, 3))), t_u8(T));
    const cj_functype *gives = functype(PARAMS(t_u8(T)), t_option(T, handle(CJ_KIND_OWN, 3)));
    static const bool scope[][2] = {
        [CJ_PLAN_EXPORT] = {false, true}, [CJ_PLAN_IMPORT] = {true, false}, [CJ_PLAN_FUSED] = {false, false}};
    for (cj_plan_kind kind = CJ_PLAN_EXPORT; kind <= CJ_PLAN_FUSED; kind++) {
        for (int i = 0; i < 2; i++) {
            plan = build(i ? gives : takes, (cj_plan_options){.kind = kind});
            assert_int_equal(plan->has_borrow, scope[kind][i]);
            cj__plan_delete(plan);
        }
    }
    plan = build(functype(PARAMS(t_option(T, t_list(T, handle(CJ_KIND_BORROW, 3)))), NULL), imports(CJ_UTF8));
    assert_true(plan->has_borrow);
    cj__plan_delete(plan);
    static const struct {
        bool in_list, once_more, lends_one;
    } lends[] = {{false, false, true}, {true, false, false}, {false, true, false}, {true, true, false}};
    for (cj_plan_kind kind = CJ_PLAN_EXPORT; kind <= CJ_PLAN_FUSED; kind++) {
        for (size_t i = 0; i < CJ_COUNT(lends); i++) {
            const cj_type *borrow = handle(CJ_KIND_BORROW, 3);
            const cj_type *first = lends[i].in_list ? t_list(T, borrow) : borrow;
            const cj_type *record = t_record(T, 2, "a", first, "b", lends[i].once_more ? borrow : t_u8(T));
            plan = build(functype(PARAMS(record), NULL), (cj_plan_options){.kind = kind});
            assert_int_equal(plan->lends_one, kind != CJ_PLAN_IMPORT && lends[i].lends_one);
            cj__plan_delete(plan);
        }
    }
    plan = build(functype(PARAMS(t_u8(T)), NULL), imports(CJ_UTF8));
    assert_int_equal(plan->resource_count, 0);
    assert_false(plan->has_borrow);
    cj__plan_delete(plan);
}

/* As many resource types as operations, in an order that is not theirs. */
static void test_many_resources(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    cj_param *members = calloc(2 * COUNT, sizeof(*members));
    assert_non_null(members);
    for (uint32_t i = 0; i < COUNT; i++) {
        members[i].type = handle(CJ_KIND_OWN, i * 64 % 4999 * 16);
        members[2 * COUNT - 1 - i].type = handle(CJ_KIND_BORROW, i * 64 % 4999 * 16);
    }
    cj_plan *plan =
        build(functype(PARAMS(t_make(T, CJ_KIND_TUPLE, members, 2 * COUNT)), NULL), fused(CJ_UTF8, CJ_UTF8));
    assert_int_equal(plan->resource_count, 4999);
    assert_int_equal(plan->args.op_count, 2 * COUNT);
    for (uint32_t i = 0; i < 2 * COUNT; i++)
        assert_int_equal(plan->resources[arg(plan, i)->count], members[i].type->resource);
    for (uint32_t i = 0; i < 4999; i++)
        assert_int_equal(arg(plan, i)->count, i);
    cj__plan_delete(plan);
    free(members);
}

/* -- Fused plans --------------------------------------------------------------------------------------------------- */

/* Both ends are flat, or both are blocks; values that need no check are copied only where nothing is between them. */
static void test_fused(void **state)
{
    (void)state;
    const cj_type *padded = t_record(T, 3, "id", t_u32(T), "w", t_u64(T), "s", t_f32(T));
    const cj_type *v =
        t_variant(T, 3, "f", t_f64(T), "s", t_string(T), "r", t_record(T, 2, "a", t_s8(T), "b", t_f32(T)));
    expect_text(functype(PARAMS(t_s16(T), v, t_list(T, padded), t_list(T, t_tuple(T, 2, t_u16(T), t_s16(T)))),
                         t_tuple(T, 3, padded, t_string(T), t_bool(T))),
                fused(CJ_UTF16, CJ_UTF8),
                "fused utf16 -> utf8, core (i32, i32, i64, i32, i32, i32, i32, i32, i32)\n"
                "args: flat 8 -> flat 8\n"
                "   0 s16            f0 -> f0                                ; param 0\n"
                "   1 variant u8     f1 -> f1  3 cases, 2 payload slots      ; param 1\n"
                "     case 0\n"
                "   2   f64            f2 -> f2                              ; param 1 .f\n"
                "     case 1\n"
                "   3   string         f2 -> f2  copy                        ; param 1 .s\n"
                "     case 2\n"
                "   4   s8             f2 -> f2                              ; param 1 .r .a\n"
                "   5   f32            f3 -> f3                              ; param 1 .r .b\n"
                "   6 list           f4 -> f4  loop 24/8                     ; param 2\n"
                "   7   u32            m0 -> m0                              ; param 2[] .id\n"
                "   8   copy           m8 -> m8  12/8                        ; param 2[] .w\n"
                "   9 list           f6 -> f6  block 4/2                     ; param 3\n"
                "results: memory 40/8 -> memory 40/8\n"
                "   0 u32            m0 -> m0                                ; result .0 .id\n"
                "   1 copy           m8 -> m8  12/8                          ; result .0 .w\n"
                "   2 string         m24 -> m24  copy                        ; result .1\n"
                "   3 bool           m32 -> m32                              ; result .2\n");

    const cj_type *seventeen[17];
    for (int i = 0; i < 17; i++)
        seventeen[i] = i == 16 ? t_char(T) : t_u16(T);
    cj_plan_options options = fused(CJ_UTF8, CJ_LATIN1_UTF16);
    options.has_post_return = true;
    expect_text(functype(seventeen, 17, t_f32(T)), options,
                "fused utf8 -> latin1+utf16 post-return, core (i32) -> f32\n"
                "args: memory 36/4 -> memory 36/4\n"
                "   0 copy           m0 -> m0  32/2                          ; param 0\n"
                "   1 char           m32 -> m32                              ; param 16\n"
                "results: flat 1 -> flat 1\n"
                "   0 f32            f0 -> f0                                ; result\n");
}

static void test_callee_signature(void **state)
{
    (void)state;
    cj_core_sig sig;
    cj_plan *plan = build(functype(PARAMS(t_u64(T)), t_string(T)), fused(CJ_UTF8, CJ_UTF8));
    assert_int_equal(plan->sig.param_count, 2);
    assert_int_equal(plan->sig.result_count, 0);
    cj__plan_callee_sig(plan, &sig);
    assert_int_equal(sig.param_count, 1);
    assert_int_equal(sig.params[0], CJ_CORE_I64);
    assert_int_equal(sig.result_count, 1);
    assert_int_equal(sig.result, CJ_CORE_I32);
    assert_int_equal(plan->host_args_size | plan->host_result_size, 0);
    cj__plan_delete(plan);

    plan = build(functype(PARAMS(t_u64(T)), t_f64(T)), fused(CJ_UTF8, CJ_UTF8));
    cj__plan_callee_sig(plan, &sig);
    assert_memory_equal(&sig, &plan->sig, sizeof(sig));
    cj__plan_delete(plan);
}

/* -- Keys ---------------------------------------------------------------------------------------------------------- */

static bool same_key(const cj_functype *a, cj_plan_options a_options, const cj_functype *b, cj_plan_options b_options)
{
    cj_plan *x = build(a, a_options), *y = build(b, b_options);
    bool same = x->key_len == y->key_len && memcmp(x->key, y->key, x->key_len) == 0;
    assert_int_equal(same, x->hash == y->hash);
    cj__plan_delete(x);
    cj__plan_delete(y);
    return same;
}

static void test_keys(void **state)
{
    (void)state;
    const cj_type *u32 = t_u32(T), *string = t_string(T);
    const cj_functype *record = functype(PARAMS(t_record(T, 2, "x", u32, "y", string)), string);
    const cj_functype *renamed = functype(PARAMS(t_record(T, 2, "a", u32, "b", string)), string);
    const cj_functype *tuple = functype(PARAMS(t_tuple(T, 2, u32, string)), string);
    const cj_functype *flat = functype(PARAMS(u32, string), string);
    cj_plan_options e = exports(CJ_UTF8), i = imports(CJ_UTF8);
    assert_true(same_key(record, e, renamed, e));
    assert_true(same_key(record, e, tuple, e));
    assert_true(same_key(tuple, i, tuple, i));
    /* The host's structs agree here too: (u32, string) and ((u32, string)). */
    assert_true(same_key(tuple, e, flat, e));

    assert_false(same_key(record, e, record, i));
    assert_false(same_key(record, e, record, exports(CJ_UTF16)));
    assert_false(same_key(record, e, functype(PARAMS(string, u32), string), e));
    assert_false(same_key(record, e, functype(PARAMS(u32, string), NULL), e));
    cj_plan_options post = e;
    post.has_post_return = true;
    assert_false(same_key(record, e, record, post));

    /* Without strings the encoding says nothing. */
    const cj_functype *list = functype(PARAMS(t_list(T, u32)), u32);
    assert_true(same_key(list, e, list, exports(CJ_UTF16)));
    assert_false(same_key(list, e, functype(PARAMS(t_list(T, t_u16(T))), u32), e));
    /* The sign of what is not extended says nothing; of what is, it does. */
    assert_true(
        same_key(functype(PARAMS(t_s64(T), t_s32(T)), t_s8(T)), e, functype(PARAMS(t_u64(T), u32), t_u8(T)), e));
    assert_false(same_key(functype(PARAMS(t_s8(T)), NULL), e, functype(PARAMS(t_u8(T)), NULL), e));
    assert_true(same_key(functype(PARAMS(t_s8(T)), NULL), i, functype(PARAMS(t_u8(T)), NULL), i));
    assert_false(same_key(functype(PARAMS(t_f32(T)), NULL), e, functype(PARAMS(u32), NULL), e));
    /* Cases and labels count. */
    assert_false(same_key(functype(PARAMS(t_labels(T, CJ_KIND_ENUM, 3)), NULL), e,
                          functype(PARAMS(t_labels(T, CJ_KIND_ENUM, 4)), NULL), e));
    assert_false(same_key(functype(PARAMS(t_labels(T, CJ_KIND_FLAGS, 3)), NULL), e,
                          functype(PARAMS(t_labels(T, CJ_KIND_FLAGS, 4)), NULL), e));
    assert_true(
        same_key(functype(PARAMS(t_option(T, u32)), NULL), e, functype(PARAMS(t_result(T, NULL, u32)), NULL), e));
    assert_false(
        same_key(functype(PARAMS(t_option(T, u32)), NULL), e, functype(PARAMS(t_result(T, u32, NULL)), NULL), e));
    /* Of handles, the slots. */
    const cj_type *own1 = handle(CJ_KIND_OWN, 1), *own2 = handle(CJ_KIND_OWN, 2), *lent2 = handle(CJ_KIND_BORROW, 2);
    assert_true(same_key(functype(PARAMS(own1, own2), own1), e, functype(PARAMS(own2, own1), own2), e));
    assert_false(same_key(functype(PARAMS(own1, own2), own1), e, functype(PARAMS(own1, own2), own2), e));
    assert_false(same_key(functype(PARAMS(own2), NULL), e, functype(PARAMS(lent2), NULL), e));
    assert_false(same_key(functype(PARAMS(own2), NULL), e, functype(PARAMS(u32), NULL), e));
    /* Fused: of both encodings, if there is a string. */
    cj_plan_options f = fused(CJ_UTF8, CJ_UTF16);
    assert_true(same_key(record, f, tuple, f));
    assert_false(same_key(record, f, record, fused(CJ_UTF8, CJ_UTF8)));
    assert_false(same_key(record, f, record, fused(CJ_UTF16, CJ_UTF16)));
    assert_false(same_key(record, f, record, exports(CJ_UTF16)));
    assert_true(same_key(list, f, list, fused(CJ_LATIN1_UTF16, CJ_UTF8)));
    assert_false(same_key(functype(PARAMS(u32), u32), f, functype(PARAMS(u32), u32), i));

    /* dense against padded elements */
    assert_false(same_key(functype(NO_PARAMS, t_list(T, t_u64(T))), e, functype(NO_PARAMS, t_list(T, t_f32(T))), e));
}

/* -- Limits and refusals ------------------------------------------------------------------------------------------- */

static cj_status try_build(const cj_functype *type, cj_plan_options options, uint32_t max_plan_ops, cj_error *err)
{
    cj_config config = config_with(max_plan_ops);
    cj_plan *plan = NULL;
    memset(err, 0, sizeof(*err));
    cj_status status = cj__plan_build(&config, type, &options, &plan, err);
    assert_true((status == CJ_OK) == (plan != NULL));
    cj__plan_delete(plan);
    return status;
}

static cj_plan_options with_everything(cj_plan_kind kind)
{
    return (cj_plan_options){.kind = kind,
                             .has_memory = true,
                             .has_realloc = true,
                             .has_post_return = kind != CJ_PLAN_IMPORT,
                             .caller_has_memory = kind == CJ_PLAN_FUSED,
                             .caller_has_realloc = kind == CJ_PLAN_FUSED};
}

static void test_limit(void **state)
{
    (void)state;
    cj_error err;
    /* 1 list, 1 tuple, 3 strings, 1 result: exactly 6 values. */
    const cj_functype *type =
        functype(PARAMS(t_list(T, t_tuple(T, 3, t_string(T), t_string(T), t_string(T)))), t_u8(T));
    assert_int_equal(try_build(type, with_everything(CJ_PLAN_EXPORT), 6, &err), CJ_OK);
    assert_int_equal(try_build(type, with_everything(CJ_PLAN_EXPORT), 5, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_plan_ops"));
    assert_non_null(strstr(err.message, "more than 5 "));
    /* Cases count: a variant, its 3 cases, 2 payloads. */
    type = functype(PARAMS(t_variant(T, 3, "a", t_u8(T), "b", (const cj_type *)NULL, "c", t_u8(T))), NULL);
    assert_int_equal(try_build(type, with_everything(CJ_PLAN_IMPORT), 6, &err), CJ_OK);
    assert_int_equal(try_build(type, with_everything(CJ_PLAN_IMPORT), 5, &err), CJ_LIMIT);
}

static void test_exploding_types(void **state)
{
    (void)state;
    cj_error err;
    /* 2^20 strings, 2^20 options, and 2^20 x u32 after a bool: refused at once, not walked. */
    const cj_type *strings = t_string(T), *options = t_option(T, t_u8(T)), *numbers = t_u8(T);
    for (int i = 0; i < 20; i++) {
        strings = t_tuple(T, 2, strings, strings);
        options = t_tuple(T, 2, options, options);
        numbers = t_tuple(T, 2, numbers, numbers);
    }
    assert_int_equal(try_build(functype(PARAMS(strings), NULL), with_everything(CJ_PLAN_EXPORT), 65536, &err),
                     CJ_LIMIT);
    assert_int_equal(try_build(functype(NO_PARAMS, options), with_everything(CJ_PLAN_IMPORT), 65536, &err), CJ_LIMIT);
    /* A million dense bytes are one copy. */
    cj_plan *plan = build(functype(PARAMS(numbers), NULL), exports(CJ_UTF8));
    assert_int_equal(plan->args.op_count, 1);
    assert_int_equal(arg(plan, 0)->size, 1u << 20);
    cj__plan_delete(plan);
}

static void test_deep_types(void **state)
{
    (void)state;
    const cj_type *deep = t_bool(T);
    for (int i = 0; i < 999; i++)
        deep = i % 3 == 0 ? t_list(T, deep) : i % 3 == 1 ? t_option(T, deep) : t_tuple(T, 1, deep);
    cj_plan *plan = build(functype(PARAMS(deep), deep), exports(CJ_UTF8));
    assert_int_equal(plan->args.max_depth, 333);
    char text[64];
    uint32_t index[CJ_TRAP_DEPTH] = {1, 2, 3, 4, 5, 6, 7, 8};
    const cj_functype *type = functype(PARAMS(deep), deep);
    size_t len = cj__plan_path_format(&plan->args, plan->args.op_count - 1, index, type, text, sizeof(text));
    assert_true(len > sizeof(text));
    assert_string_equal(text, "param 0 .0 .some[1] .0 .some[2] .0 .some[3] .0 .some[4] .0 .som");
    cj__plan_delete(plan);
}

static void test_refusals(void **state)
{
    (void)state;
    cj_error err;
    const cj_functype *async = cj__functype_make(T, NULL, 0, NULL, true, &err);
    assert_int_equal(try_build(async, with_everything(CJ_PLAN_EXPORT), 100, &err), CJ_UNSUPPORTED);
    assert_string_equal(err.message, "unsupported: async function types");

    const cj_functype *empty = functype(PARAMS(t_list(T, t_make(T, CJ_KIND_TUPLE, NULL, 0))), NULL);
    assert_int_equal(try_build(empty, with_everything(CJ_PLAN_EXPORT), 100, &err), CJ_INTERNAL);

    cj_plan_options bare = {.kind = CJ_PLAN_EXPORT}, memory = {.kind = CJ_PLAN_EXPORT, .has_memory = true};
    const cj_functype *string = functype(PARAMS(t_string(T)), NULL);
    assert_int_equal(try_build(string, bare, 100, &err), CJ_INVALID);
    assert_non_null(strstr(err.message, "`memory`"));
    assert_int_equal(try_build(string, memory, 100, &err), CJ_INVALID);
    assert_non_null(strstr(err.message, "`realloc`"));
    bare.kind = memory.kind = CJ_PLAN_IMPORT;
    assert_int_equal(try_build(string, memory, 100, &err), CJ_OK);
    assert_int_equal(try_build(functype(NO_PARAMS, t_string(T)), memory, 100, &err), CJ_INVALID);
    assert_int_equal(try_build(functype(PARAMS(t_u64(T)), t_f64(T)), bare, 100, &err), CJ_OK);

    /* Both sides of a fused call: the callee's realloc for parameters, the caller's for the result. */
    const cj_functype *result = functype(NO_PARAMS, t_string(T)), *both = functype(PARAMS(t_string(T)), t_string(T));
    struct {
        const cj_functype *type;
        bool memory, realloc, caller_memory, caller_realloc;
        cj_status status;
    } cases[] = {
        {string, true, true, true, false, CJ_OK},       {string, true, false, true, true, CJ_INVALID},
        {string, true, true, false, false, CJ_INVALID}, {string, false, false, true, true, CJ_INVALID},
        {result, true, false, true, true, CJ_OK},       {result, true, true, true, false, CJ_INVALID},
        {both, true, true, true, true, CJ_OK},          {both, true, true, true, false, CJ_INVALID},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_plan_options options = {.kind = CJ_PLAN_FUSED,
                                   .has_memory = cases[i].memory,
                                   .has_realloc = cases[i].realloc,
                                   .caller_has_memory = cases[i].caller_memory,
                                   .caller_has_realloc = cases[i].caller_realloc};
        assert_int_equal(try_build(cases[i].type, options, 100, &err), cases[i].status);
    }
}

/* Spec, "canon lift" and "canon lower": when memory and realloc must be given. */
static void test_needs(void **state)
{
    (void)state;
    const cj_type *u32 = t_u32(T), *pair = t_tuple(T, 2, u32, u32), *string = t_string(T);
    const cj_type *seventeen[17];
    for (int i = 0; i < 17; i++)
        seventeen[i] = u32;
    struct {
        const cj_functype *type;
        bool lift_memory, lift_realloc, lower_memory, lower_realloc;
    } cases[] = {
        {functype(NO_PARAMS, NULL), false, false, false, false},
        {functype(seventeen, 16, u32), false, false, false, false},
        {functype(seventeen, 17, NULL), true, true, true, false},
        {functype(PARAMS(string), NULL), true, true, true, false},
        {functype(PARAMS(t_option(T, t_list(T, u32))), u32), true, true, true, false},
        {functype(NO_PARAMS, pair), true, false, true, false},
        {functype(NO_PARAMS, string), true, false, true, true},
        {functype(PARAMS(string), string), true, true, true, true},
        {functype(PARAMS(u32), t_result(T, NULL, NULL)), false, false, false, false},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        bool memory, realloc;
        cj__plan_needs(cases[i].type, CJ_PLAN_EXPORT, &memory, &realloc);
        assert_int_equal(memory, cases[i].lift_memory);
        assert_int_equal(realloc, cases[i].lift_realloc);
        cj__plan_needs(cases[i].type, CJ_PLAN_IMPORT, &memory, &realloc);
        assert_int_equal(memory, cases[i].lower_memory);
        assert_int_equal(realloc, cases[i].lower_realloc);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const cj_functype *type =
        functype(PARAMS(t_list(T, t_option(T, t_string(T))), t_tuple(T, 2, t_char(T), t_result(T, t_u8(T), t_u16(T))),
                        handle(CJ_KIND_OWN, 1)),
                 t_string(T));
    track_alloc track;
    cj_status status = CJ_NO_MEMORY;
    uint64_t attempts = 0;
    for (; status != CJ_OK; attempts++) {
        track_init(&track);
        track.fail_at = attempts + 1;
        cj_config config = config_with(1000);
        config.allocator = &track.hook;
        cj_plan_options options = with_everything(CJ_PLAN_EXPORT);
        cj_plan *plan = NULL;
        cj_error err;
        status = cj__plan_build(&config, type, &options, &plan, &err);
        if (status != CJ_OK)
            assert_int_equal(err.status, CJ_NO_MEMORY);
        cj__plan_delete(plan);
        assert_int_equal(track.live_blocks, 0);
        assert_true(attempts < 100);
    }
    assert_true(attempts > 5);

    cj_plan *plan = build(type, exports(CJ_UTF8));
    char *text = NULL;
    for (attempts = 0; !text; attempts++) {
        track_init(&track);
        track.fail_at = attempts + 1;
        size_t len;
        text = cj__plan_print(&track.hook, plan, type, &len);
        if (text)
            cj__free(&track.hook, text, len + 1);
        assert_int_equal(track.live_blocks, 0);
        assert_true(attempts < 100);
    }
    assert_true(attempts > 1);
    cj__plan_delete(plan);
}

/* -- Paths --------------------------------------------------------------------------------------------------------- */

static void expect_path(const cj_functype *type, bool result, cj_opcode code, const char *expected)
{
    cj_plan *plan = build(type, exports(CJ_UTF8));
    const cj_moves *moves = result ? &plan->results : &plan->args;
    uint32_t op = 0, index[CJ_TRAP_DEPTH] = {3, 14, 15, 92, 65, 35, 89, 79};
    while (op < moves->op_count && moves->ops[op].code != code)
        op++;
    assert_true(op < moves->op_count);
    char text[256];
    assert_int_equal(cj__plan_path_format(moves, op, index, type, text, sizeof(text)), strlen(expected));
    assert_string_equal(text, expected);
    cj__plan_delete(plan);
}

static void test_paths(void **state)
{
    (void)state;
    const cj_type *named = t_record(T, 2, "size", t_u32(T), "name", t_string(T));
    const cj_type *items = t_record(T, 2, "n", t_u8(T), "items", t_list(T, named));
    expect_path(functype(PARAMS(items), NULL), false, CJ_OP_STRING, "param 0 .items[3] .name");
    expect_path(functype(PARAMS(items), NULL), false, CJ_OP_LIST, "param 0 .items");
    expect_path(functype(PARAMS(t_u8(T), t_char(T)), NULL), false, CJ_OP_CHAR, "param 1");
    expect_path(functype(NO_PARAMS, t_char(T)), true, CJ_OP_CHAR, "result");
    expect_path(functype(NO_PARAMS, t_list(T, t_list(T, t_char(T)))), true, CJ_OP_CHAR, "result[3][14]");
    expect_path(functype(NO_PARAMS, t_result(T, t_u8(T), t_char(T))), true, CJ_OP_CHAR, "result .err");
    expect_path(functype(NO_PARAMS, t_result(T, t_char(T), NULL)), true, CJ_OP_CHAR, "result .ok");
    expect_path(functype(NO_PARAMS, t_option(T, t_tuple(T, 2, t_u8(T), t_char(T)))), true, CJ_OP_CHAR,
                "result .some .1");
    const cj_type *v = t_variant(T, 2, "none-such", (const cj_type *)NULL, "letter", t_char(T));
    expect_path(functype(PARAMS(v), NULL), false, CJ_OP_CHAR, "param 0 .letter");
    expect_path(functype(PARAMS(v), NULL), false, CJ_OP_VARIANT, "param 0");

    const cj_type *deep = t_char(T);
    for (int i = 0; i < 10; i++)
        deep = t_list(T, deep);
    expect_path(functype(PARAMS(deep), NULL), false, CJ_OP_CHAR, "param 0[3][14][15][92][65][35][89][79][...][...]");

    const cj_functype *type = functype(PARAMS(t_char(T)), NULL);
    cj_plan *plan = build(type, exports(CJ_UTF8));
    char text[4] = "xxx";
    assert_int_equal(cj__plan_path_format(&plan->args, UINT32_MAX, NULL, type, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(cj__plan_path_format(&plan->args, 0, NULL, type, text, sizeof(text)), 7);
    assert_string_equal(text, "par");
    assert_int_equal(cj__plan_path_format(&plan->args, 0, NULL, type, NULL, 0), 7);
    cj__plan_delete(plan);
}

static void test_op_names(void **state)
{
    (void)state;
    assert_string_equal(cj__op_name(CJ_OP_COPY), "copy");
    assert_string_equal(cj__op_name(CJ_OP_BORROW), "borrow");
    assert_string_equal(cj__op_name(CJ_OP_COUNT), "unknown");
}

/* -- The self-check ------------------------------------------------------------------------------------------------ */

static cj_op *mutable_op(cj_plan *plan, uint32_t i)
{
    return (cj_op *)(uintptr_t)arg(plan, i);
}

/* The field is changed, the check must refuse, and accept again when it is put back. */
#define EXPECT_REFUSED(plan, lvalue, bad) \
    do { \
        cj_error err_; \
        __typeof__(lvalue) good_ = (lvalue); \
        (lvalue) = (bad); \
        assert_int_equal(cj__plan_check((plan), &err_), CJ_INTERNAL); \
        (lvalue) = good_; \
        assert_int_equal(cj__plan_check((plan), &err_), CJ_OK); \
    } while (0)

static void test_check(void **state)
{
    (void)state;
    const cj_type *v = t_variant(T, 3, "a", t_f64(T), "b", t_string(T), "c", t_u8(T));
    const cj_type *elem = t_tuple(T, 3, t_bool(T), t_u64(T), t_u8(T));
    cj_plan *plan =
        build(functype(PARAMS(v, t_list(T, elem), t_labels(T, CJ_KIND_FLAGS, 9), t_s8(T), t_char(T)), t_string(T)),
              exports(CJ_UTF8));
    /* 0 variant (1 f64, 2 string, 3 u8), 4 list (5 bool, 6 copy), 7 flags, 8 s8, 9 char */
    assert_int_equal(arg(plan, 6)->code, CJ_OP_COPY);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->code, CJ_OP_COUNT);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->code, CJ_OP_ENUM);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->width, 3);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->width, 8);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->count, 0);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->count, 2);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->count, 4);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->slots, 100);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->slots, 1);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->cases, 1);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->next, 0);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->next, 3);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->next, 100);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->depth, 1);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->path, plan->args.path_count);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->src, (uint32_t)plan->host_args_size);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->dst, plan->sig.param_count);
    EXPECT_REFUSED(plan, mutable_op(plan, 1)->dst, plan->sig.param_count);
    cj__plan_delete(plan);
}

static void test_check_more(void **state)
{
    (void)state;
    const cj_type *elem = t_tuple(T, 3, t_bool(T), t_u64(T), t_u8(T));
    cj_plan *plan = build(
        functype(PARAMS(t_list(T, elem), t_labels(T, CJ_KIND_FLAGS, 9), t_s8(T), t_f32(T), t_string(T)), t_string(T)),
        exports(CJ_UTF8));
    /* 0 list (1 bool, 2 copy), 3 flags, 4 s8, 5 f32, 6 string */
    cj_op *list = mutable_op(plan, 0), *copy = mutable_op(plan, 2), *flags = mutable_op(plan, 3);
    assert_int_equal(copy->code, CJ_OP_COPY);
    EXPECT_REFUSED(plan, list->size, 0);
    EXPECT_REFUSED(plan, list->size, 8);
    EXPECT_REFUSED(plan, list->size, 1u << 28);
    EXPECT_REFUSED(plan, list->align, 3);
    EXPECT_REFUSED(plan, list->align, 0);
    EXPECT_REFUSED(plan, list->host_size, 8);
    EXPECT_REFUSED(plan, list->host_align, 0);
    EXPECT_REFUSED(plan, list->mode, CJ_MODE_BLOCK);
    EXPECT_REFUSED(plan, list->mode, 3);
    EXPECT_REFUSED(plan, list->next, 1);
    EXPECT_REFUSED(plan, list->dst, plan->sig.param_count - 1);
    EXPECT_REFUSED(plan, copy->size, 0);
    EXPECT_REFUSED(plan, copy->size, 25);
    EXPECT_REFUSED(plan, copy->src, 1);
    EXPECT_REFUSED(plan, copy->dst, 1);
    EXPECT_REFUSED(plan, copy->align, 0);
    EXPECT_REFUSED(plan, copy->depth, 0);
    EXPECT_REFUSED(plan, flags->count, 17);
    EXPECT_REFUSED(plan, flags->count, 0);
    EXPECT_REFUSED(plan, flags->width, 8);
    EXPECT_REFUSED(plan, mutable_op(plan, 4)->width, 3);
    EXPECT_REFUSED(plan, mutable_op(plan, 4)->width, 8);
    EXPECT_REFUSED(plan, mutable_op(plan, 4)->is_float, true);
    EXPECT_REFUSED(plan, mutable_op(plan, 5)->is_float, false);
    EXPECT_REFUSED(plan, mutable_op(plan, 6)->mode, CJ_MODE_VIEW);
    EXPECT_REFUSED(plan, mutable_op(plan, 6)->mode, CJ_MODE_BLOCK);
    EXPECT_REFUSED(plan, mutable_op(plan, 6)->dst, plan->sig.param_count - 1);
    EXPECT_REFUSED(plan, plan->args.max_depth, 0);
    EXPECT_REFUSED(plan, plan->args.dst, CJ_SPACE_MEM);
    EXPECT_REFUSED(plan, plan->results.src, CJ_SPACE_FLAT);
    EXPECT_REFUSED(plan, plan->host_args_size, plan->host_args_size - 8);
    EXPECT_REFUSED(plan, plan->host_result_size, 8);
    EXPECT_REFUSED(plan, plan->result_size, 4);
    cj_path *path = (cj_path *)(uintptr_t)&plan->args.paths[1];
    EXPECT_REFUSED(plan, path->parent, 1);
    EXPECT_REFUSED(plan, path->step, CJ_STEP_PARAM);
    EXPECT_REFUSED(plan, path->step, 9);
    cj__plan_delete(plan);

    plan = build(functype(PARAMS(t_list(T, t_u32(T)), t_string(T)), NULL), imports(CJ_UTF8));
    assert_int_equal(arg(plan, 0)->mode, CJ_MODE_VIEW);
    EXPECT_REFUSED(plan, plan->options.encoding, CJ_UTF16);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->host_size, 8);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->host_align, 8);
    cj__plan_delete(plan);
}

static void test_check_fused(void **state)
{
    (void)state;
    const cj_type *v = t_variant(T, 2, "a", t_f64(T), "b", t_string(T));
    cj_plan *plan = build(functype(PARAMS(v, t_list(T, t_u32(T)), handle(CJ_KIND_BORROW, 5)), t_string(T)),
                          fused(CJ_UTF8, CJ_UTF8));
    /* 0 variant (1 f64, 2 string), 3 list, 4 borrow */
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->src, 6);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->dst, 6);
    EXPECT_REFUSED(plan, mutable_op(plan, 0)->slots, 1);
    EXPECT_REFUSED(plan, mutable_op(plan, 1)->src, 0);
    EXPECT_REFUSED(plan, mutable_op(plan, 1)->dst, 0);
    EXPECT_REFUSED(plan, mutable_op(plan, 2)->src, 2);
    EXPECT_REFUSED(plan, mutable_op(plan, 2)->mode, CJ_MODE_VIEW);
    EXPECT_REFUSED(plan, mutable_op(plan, 3)->mode, CJ_MODE_VIEW);
    EXPECT_REFUSED(plan, mutable_op(plan, 3)->mode, CJ_MODE_LOOP);
    EXPECT_REFUSED(plan, mutable_op(plan, 3)->host_size, 4);
    EXPECT_REFUSED(plan, mutable_op(plan, 3)->host_align, 4);
    EXPECT_REFUSED(plan, mutable_op(plan, 4)->count, 1);
    EXPECT_REFUSED(plan, mutable_op(plan, 4)->src, 6); /* the return pointer */
    EXPECT_REFUSED(plan, plan->has_borrow, false);
    EXPECT_REFUSED(plan, plan->args.src, CJ_SPACE_HOST);
    EXPECT_REFUSED(plan, plan->args.dst, CJ_SPACE_MEM);
    EXPECT_REFUSED(plan, plan->results.src, CJ_SPACE_FLAT);
    EXPECT_REFUSED(plan, plan->result_size, 4);
    EXPECT_REFUSED(plan, plan->host_args_size, 8);
    cj__plan_delete(plan);

    plan = build(functype(NO_PARAMS, handle(CJ_KIND_OWN, 5)), fused(CJ_UTF8, CJ_UTF8));
    cj_op *op = (cj_op *)(uintptr_t)&plan->results.ops[0];
    plan->has_borrow = true;
    EXPECT_REFUSED(plan, op->code, CJ_OP_BORROW);
    cj__plan_delete(plan);
}

/* -- Random types -------------------------------------------------------------------------------------------------- */

static void test_random_types(void **state)
{
    (void)state;
    random_source r = random_new(1);
    for (int i = 0; i < 3000; i++) {
        const cj_functype *type = random_functype(&r, T, 1 + random_below(&r, 20), 1 + random_below(&r, 5));
        cj_plan_options options = {.kind = (cj_plan_kind)random_below(&r, 3),
                                   .encoding = (cj_encoding)random_below(&r, 3),
                                   .caller_encoding = (cj_encoding)random_below(&r, 3)};
        cj_plan *plan = build(type, options), *again = build(type, options);
        assert_int_equal(plan->key_len, again->key_len);
        assert_memory_equal(plan->key, again->key, plan->key_len);
        size_t len;
        char *text = cj__plan_print(NULL, plan, type, &len);
        assert_non_null(text);
        cj__free(cj__alloc_or_default(NULL), text, len + 1);
        cj__plan_delete(plan);
        cj__plan_delete(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_example_of_the_printer),
        cmocka_unit_test(test_joined_slots),
        cmocka_unit_test(test_spilled),
        cmocka_unit_test(test_spilled_result_alone),
        cmocka_unit_test(test_list_bodies),
        cmocka_unit_test(test_list_modes),
        cmocka_unit_test(test_string_modes),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_merging_keeps_ranges_apart),
        cmocka_unit_test(test_copy_alignment),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_many_resources),
        cmocka_unit_test(test_fused),
        cmocka_unit_test(test_callee_signature),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_exploding_types),
        cmocka_unit_test(test_deep_types),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_op_names),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_more),
        cmocka_unit_test(test_check_fused),
        cmocka_unit_test(test_random_types),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
