/* bench_report.c: the figures of `canonjit bench` for people and machines: table and bars, JSON, SVG.
 *
 * Place in the pipeline: behind bench.c.
 */
#include "bench.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- Numbers ------------------------------------------------------------------------------------------------------------- */

/* "12.3 ns", "4.56 us", "7.89 ms". */
static const char *duration(double ns, char buffer[32])
{
    if (ns < 999.95)
        snprintf(buffer, 32, "%.1f ns", ns);
    else if (ns < 999.995e3)
        snprintf(buffer, 32, "%.2f us", ns / 1e3);
    else if (ns < 999.995e6)
        snprintf(buffer, 32, "%.2f ms", ns / 1e6);
    else
        snprintf(buffer, 32, "%.2f s", ns / 1e9);
    return buffer;
}

static double slowest(const bench_call *call)
{
    double ns = 0;
    for (size_t i = 0; i < call->tier_count; i++)
        ns = call->tiers[i].ns > ns ? call->tiers[i].ns : ns;
    return ns;
}

/* -- Terminal ------------------------------------------------------------------------------------------------------------ */

static const char *const marks_utf8[STEP_COUNT] = {"\xe2\x96\x92", "\xe2\x96\x93", "\xe2\x96\x88", "\xe2\x96\x91",
                                                   "\xc2\xb7"};
static const char *const marks_ascii[STEP_COUNT] = {"e", "<", "#", ">", "."};

/* Steps end where their sum so far ends, rounded: no rounding adds up. */
static void print_bar(FILE *to, const bench_figures *f, double scale, const char *const marks[STEP_COUNT])
{
    double sum = 0;
    int at = 0;
    for (int i = 0; i < STEP_COUNT; i++) {
        sum += f->split ? f->steps[i] : i == STEP_CORE ? f->ns : 0;
        int end = (int)(sum * scale + 0.5);
        for (; at < end; at++)
            fputs(marks[i], to);
    }
    if (at == 0)
        fputs(marks[STEP_CORE], to);
}

void bench_print(FILE *to, const bench_call *call, bool utf8, int width)
{
    enum { LABEL = 8, VALUE = 12 };
    /* Together 80 columns: what a terminal has at least, and what is pasted into mails. */
    static const int columns[STEP_COUNT] = {[STEP_ENTRY] = 8, 9, 9, 9, [STEP_POST_RETURN] = 11};
    char text[32];
    fprintf(to, "%s\n  %s: %s\n  %-6s %9s %5s", call->text, call->function, call->type, "", "call", "+-");
    for (int i = 0; i < STEP_COUNT; i++)
        fprintf(to, " %*s", columns[i], bench_step_names[i]);
    fprintf(to, " %4s\n", "fit");
    for (size_t t = 0; t < call->tier_count; t++) {
        const bench_figures *f = &call->tiers[t];
        fprintf(to, "  %-6s %9s ", f->tier, duration(f->ns, text));
        if (f->spread < 9.995)
            fprintf(to, "%3.0f %%", 100 * f->spread);
        else
            fputs(">999%", to);
        for (int i = 0; i < STEP_COUNT && f->split; i++)
            fprintf(to, " %*s", columns[i], duration(f->steps[i], text));
        if (f->split)
            fprintf(to, " %4.*f\n", f->fit < 9.995 ? 2 : f->fit < 99.95 ? 1 : 0, f->fit);
        else
            fprintf(to, "\n%9s%s\n", "", f->why_not);
        if (f->has_realloc && f->realloc_calls > 0)
            fprintf(to, "%33s of lower: realloc, %.0f call%s, %s\n", "", f->realloc_calls,
                    f->realloc_calls > 1.5 ? "s" : "", duration(f->realloc_ns, text));
    }
    double longest = slowest(call);
    for (size_t t = 0; t < call->tier_count; t++) {
        const bench_figures *f = &call->tiers[t];
        fprintf(to, "  %-6s ", f->tier);
        print_bar(to, f, (width - LABEL - VALUE - 3) / longest, utf8 ? marks_utf8 : marks_ascii);
        fprintf(to, " %s\n", duration(f->ns, text));
    }
    fputc('\n', to);
}

void bench_print_legend(FILE *to, bool utf8)
{
    for (int i = 0; i < STEP_COUNT; i++)
        fprintf(to, "%s%s %s", i ? "   " : "  ", (utf8 ? marks_utf8 : marks_ascii)[i], bench_step_names[i]);
    fputc('\n', to);
}

/* -- JSON ---------------------------------------------------------------------------------------------------------------- */

/* To a thousandth of a nanosecond. */
static void add_ns(cJSON *to, const char *name, double ns)
{
    char text[32];
    snprintf(text, sizeof(text), "%.3f", ns);
    cJSON_AddRawToObject(to, name, text);
}

static void add_steps(cJSON *to, const char *name, const double steps[STEP_COUNT])
{
    cJSON *object = cJSON_AddObjectToObject(to, name);
    for (int i = 0; i < STEP_COUNT; i++)
        add_ns(object, i == STEP_POST_RETURN ? "post_return" : bench_step_names[i], steps[i]);
}

static cJSON *figures_json(const bench_figures *f)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "tier", f->tier);
    add_ns(object, "ns", f->ns);
    add_ns(object, "spread", f->spread);
    cJSON_AddNumberToObject(object, "rounds", f->rounds);
    cJSON_AddNumberToObject(object, "block_calls", (double)f->block_calls);
    if (!f->split) {
        cJSON_AddStringToObject(object, "not_split", f->why_not);
        return object;
    }
    add_steps(object, "steps", f->steps);
    add_steps(object, "stamped", f->stamped);
    add_ns(object, "fit", f->fit);
    if (f->has_realloc) {
        cJSON *realloc_object = cJSON_AddObjectToObject(object, "realloc");
        add_ns(realloc_object, "calls", f->realloc_calls);
        add_ns(realloc_object, "ns", f->realloc_ns);
    }
    return object;
}

int bench_print_json(FILE *to, const bench_results *results)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "build", cj_build_info());
    cJSON_AddStringToObject(root, "file", results->file);
    add_ns(root, "stamp_ns", results->stamp_ns);
    cJSON *calls = cJSON_AddArrayToObject(root, "calls");
    for (size_t c = 0; c < results->call_count; c++) {
        const bench_call *call = &results->calls[c];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "call", call->text);
        cJSON_AddStringToObject(object, "function", call->function);
        cJSON_AddStringToObject(object, "type", call->type);
        cJSON *tiers = cJSON_AddArrayToObject(object, "tiers");
        for (size_t t = 0; t < call->tier_count; t++)
            cJSON_AddItemToArray(tiers, figures_json(&call->tiers[t]));
        cJSON_AddItemToArray(calls, object);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return cli_fail(CLI_FAILED, "out of memory");
    fprintf(to, "%s\n", text);
    cJSON_free(text);
    return CLI_OK;
}

/* -- SVG ----------------------------------------------------------------------------------------------------------------- */

static const char *const colours[STEP_COUNT] = {"#8d99ae", "#e07a5f", "#3d5a80", "#81b29a", "#f2cc8f"};

/* Cut to `most` characters. */
static void write_escaped(FILE *to, const char *text, size_t most)
{
    size_t count = 0;
    for (const char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xc0) != 0x80 && count++ == most) {
            fputs("…", to);
            return;
        }
        switch (*c) {
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '&':
            fputs("&amp;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc((unsigned char)*c < ' ' ? ' ' : *c, to);
        }
    }
}

static double svg_bar(FILE *to, const bench_figures *f, double x, double y, double scale)
{
    char text[32];
    for (int i = 0; i < STEP_COUNT; i++) {
        double ns = f->split ? f->steps[i] : i == STEP_CORE ? f->ns : 0;
        if (ns <= 0)
            continue;
        fprintf(to,
                "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"16\" fill=\"%s\"><title>%s: %s</title></rect>\n",
                x, y, ns * scale, colours[i], f->split ? bench_step_names[i] : "call", duration(ns, text));
        x += ns * scale;
    }
    return x;
}

static void write_svg(FILE *to, const bench_results *results)
{
    enum { WIDTH = 860, LEFT = 70, BAR = 640, HEAD = 64, ROW = 22, GAP = 44 };
    int height = HEAD + 20;
    for (size_t c = 0; c < results->call_count; c++)
        height += GAP + ROW * (int)results->calls[c].tier_count;
    fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" "
        "fill=\"#222\">\n<title>Time per call</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
        WIDTH, height, WIDTH, height, WIDTH, height);
    fputs("<text x=\"10\" y=\"22\" font-size=\"15\" font-weight=\"bold\">", to);
    write_escaped(to, results->file, 60);
    fputs("</text>\n<text x=\"850\" y=\"22\" text-anchor=\"end\" fill=\"#666\">", to);
    write_escaped(to, cj_build_info(), 60);
    fputs("</text>\n", to);
    for (int i = 0, x = 10; i < STEP_COUNT; i++) {
        fprintf(to,
                "<rect x=\"%d\" y=\"38\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"48\">%s</text>\n",
                x, colours[i], x + 17, bench_step_names[i]);
        x += 35 + 7 * (int)strlen(bench_step_names[i]);
    }
    int y = HEAD;
    for (size_t c = 0; c < results->call_count; c++) {
        const bench_call *call = &results->calls[c];
        double longest = slowest(call);
        char text[32];
        y += GAP - 14;
        fprintf(to, "<text x=\"10\" y=\"%d\" font-family=\"monospace\">", y - 8);
        write_escaped(to, call->text, 110);
        fputs("</text>\n", to);
        for (size_t t = 0; t < call->tier_count; t++, y += ROW) {
            const bench_figures *f = &call->tiers[t];
            fprintf(to, "<text x=\"10\" y=\"%d\">%s</text>\n", y + 13, f->tier);
            double end = svg_bar(to, f, LEFT, y, BAR / longest);
            fprintf(to, "<text x=\"%.1f\" y=\"%d\">%s ±%.0f %%</text>\n", end + 6, y + 13, duration(f->ns, text),
                    100 * f->spread);
        }
        y += 14;
    }
    fputs("</svg>\n", to);
}

int bench_open_svg(const char *path, bench_svg *svg)
{
    *svg = (bench_svg){.path = path, .made = true};
    svg->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (svg->fd < 0 && errno == EEXIST) {
        svg->made = false;
        svg->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666); /* O_CREAT: a link to what is not there yet */
    }
    return svg->fd < 0 ? cli_fail(CLI_FAILED, "%s: %s", path, strerror(errno)) : CLI_OK;
}

void bench_discard_svg(bench_svg *svg)
{
    close(svg->fd);
    if (svg->made)
        unlink(svg->path);
}

int bench_write_svg(bench_svg *svg, const bench_results *results)
{
    FILE *to = ftruncate(svg->fd, 0) == 0 || errno == EINVAL /* a pipe */ ? fdopen(svg->fd, "w") : NULL;
    if (!to) {
        close(svg->fd);
        return cli_fail(CLI_FAILED, "%s: %s", svg->path, strerror(errno));
    }
    write_svg(to, results);
    bool failed = ferror(to) != 0;
    if (fclose(to) != 0 || failed)
        return cli_fail(CLI_FAILED, "%s: %s", svg->path, strerror(errno));
    return CLI_OK;
}
