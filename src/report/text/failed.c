/* Creations of threads that failed. */
#include "base/text.h"
#include "common/ledger.h"
#include "report/common/phrases.h"
#include "report/text/text.h"

static void put_creator(const struct printer *printer, const struct failed_creation *failed)
{
    if (failed->created_by)
        fprintf(printer->out, "%sT%llu%s", failed->count == 1 ? "by " : ", by ",
                (unsigned long long)failed->created_by,
                failed->created_by == LEDGER_MAIN_SERIAL ? " (main)" : "");
}

/* "  the process had 68 threads, and 0 finished but not joined, at the latest, 0.9 s ago, by T1 (main)" */
static void print_latest(const struct printer *printer, const struct failed_creation *failed)
{
    char ago[40];
    format_duration(ago, sizeof(ago), failed->ago_s);
    fprintf(printer->out, "  %s", failed->count == 1 ? "" : "the latest");
    if (failed->ago_s >= 0)
        fprintf(printer->out, "%s%s ago", failed->count == 1 ? "" : " ", ago);
    if (failed->count == 1 && failed->ago_s >= 0 && failed->created_by)
        fputs(" ", printer->out);
    put_creator(printer, failed);
    if (failed->threads)
        fprintf(printer->out, ": the process had %llu thread%s, and %llu finished but not joined",
                (unsigned long long)failed->threads, plural(failed->threads),
                (unsigned long long)failed->unjoined);
    putc('\n', printer->out);
}

static void print_failed(const struct printer *printer, const struct failed_creation *failed)
{
    const struct leak_group *place = &failed->place;
    struct frames frames =
        shown_frames(printer, (struct frames){place->stack, place->stack_count, place->user_frame});
    putc('\n', printer->out);
    paint(printer, BOLD);
    fprintf(printer->out, "failed creation ×%llu", (unsigned long long)failed->count);
    paint(printer, PLAIN);
    fprintf(printer->out, "   %s\n", failed->error);
    if (failed->latest)
        print_latest(printer, failed);
    if (place->start_routine) {
        fputs("  to run ", printer->out);
        put_frame(printer, place->start_routine, 9, 0);
        putc('\n', printer->out);
    }
    fputs(place->stack_count ? "  at\n" : "  at an unknown place\n", printer->out);
    put_frames(printer, &frames, 0);
}

bool print_failed_creations(const struct printer *printer, const struct process_report *process)
{
    for (size_t i = 0; i < process->failed_count; i++)
        print_failed(printer, &process->failed[i]);
    return process->failed_count;
}
