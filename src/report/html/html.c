/* The format "html": one page with everything in it. The Makefile composes it from src/report/html/. */
#include <errno.h>
#include <string.h>

#include "report/html/data.h"
#include "report/common/format.h"
#include "report/html/live_page.h"

/* clang-tidy does not define it. */
#ifndef PAGE_FILE
#define PAGE_FILE "build/page.html"
#endif

__asm__(".pushsection .rodata\n"
        "report_page:\n"
        ".incbin \"" PAGE_FILE "\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char report_page[] __attribute__((visibility("hidden")));

/* Each is in the page once, in this order. */
#define CONNECT_MARK "@CONNECT@" /* what the policy allows besides */
#define SOURCE_MARK "@SOURCE@"   /* attributes of the element with the data */
#define DATA_MARK "@DATA@"

/* Prints up to a mark; returns what follows it. */
static const char *print_to(FILE *out, const char *at, const char *mark)
{
    const char *end = strstr(at, mark);
    fwrite(at, 1, (size_t)(end - at), out);
    return end + strlen(mark);
}

/* In JSON a < is always in a string. Without it, no text ends the element of the data, or begins a comment.
 */
static int write_data(const char *text, size_t size, void *out)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == '<')
            fputs("\\u003c", out);
        else
            putc(text[i], out);
    return 0;
}

bool report_print_page_data(FILE *out, const struct report *report)
{
    json_t *data = html_data(report);
    bool written = data && json_dump_callback(data, write_data, out,
                                              JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII |
                                                  JSON_REAL_PRECISION(12)) == 0;
    json_decref(data);
    return written;
}

static bool print_html(FILE *out, const struct report *report, const struct report_style *style)
{
    (void)style;
    const char *at = print_to(out, report_page, CONNECT_MARK);
    at = print_to(out, at, SOURCE_MARK);
    at = print_to(out, at, DATA_MARK);
    bool printed = report_print_page_data(out, report);
    fputs(at, out);
    return printed;
}

void report_print_live_page(FILE *out, const char *source)
{
    const char *at = print_to(out, report_page, CONNECT_MARK);
    fputs("; connect-src 'self'", out);
    at = print_to(out, at, SOURCE_MARK);
    fprintf(out, " data-source=\"%s\"", source);
    fputs(print_to(out, at, DATA_MARK), out);
}

const struct report_format report_html = {.name = "html", .print = print_html};
