/*
 * `threadleak watch [OPTIONS] PID...`: samples running programs without stopping them, and reports the sites
 * whose threads grow in number.
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/common/pids.h"
#include "cli/watch/live.h"
#include "cli/watch/on_leak.h"
#include "cli/watch/options.h"
#include "cli/watch/print.h"
#include "cli/watch/targets.h"
#include "cli/watch/words.h"

/* ---- one round ------------------------------------------------------------------------------------ */

struct watch {
    struct watch_options options;
    struct watch_targets targets;
    struct live live;
    uint64_t rounds, verdicts, processes,
        suppressed; /* suppressed: sites of the processes of the latest round */
    double began_s;
    bool bad, failed; /* a process that has ended was reported; output failed */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static double now_s(void)
{
    return (double)now_ns() / 1e9;
}

static void report_site(struct watch *watch, const struct watched *watched, size_t site, enum watch_why why)
{
    struct error error;
    watch->verdicts++;
    if (!watch->options.json) {
        live_clear(&watch->live);
        print_verdict(stdout, watched, site, why);
    }
    if (watch->options.on_leak && !on_leak_start(watch->options.on_leak, watched, site, why, &error))
        cli_message("watch: %s", error.text);
}

/* Once, as long as it holds. Hundreds of sites can begin to grow at once. */
static void report_changes(struct watch *watch, struct watched *watched)
{
    enum { SHOWN = 8 };
    size_t changes = 0;
    for (size_t i = 0; i < watched->site_count; i++)
        for (int why = 0; why < WATCH_WHYS; why++) {
            struct watched_site *site = &watched->sites[i];
            bool is_new = site->now[why] && !site->reported[why];
            site->reported[why] = site->now[why];
            if (is_new && changes++ < SHOWN)
                report_site(watch, watched, i, (enum watch_why)why);
        }
    if (changes <= SHOWN)
        return;
    watch->verdicts += changes - SHOWN;
    if (!watch->options.json)
        printf("and %zu more sites of process %s\n", changes - SHOWN, watched->label);
}

static void say_begin(struct watch *watch, struct watched *watched)
{
    live_clear(&watch->live);
    watched->is_new = false;
    watch->processes++;
    cli_message("watch: process %s%s", watched->label,
                watched->counts.watched ? "" : ", not watched: creators unknown");
}

static void say_failure(struct watch *watch, struct watched *watched, const struct error *error)
{
    if (strcmp(watched->failed, error->text) == 0)
        return;
    memcpy(watched->failed, error->text, sizeof(watched->failed));
    live_clear(&watch->live);
    cli_message("watch: %s", error->text);
}

static void take_sample(struct watch *watch, struct watched *watched)
{
    struct error error;
    bool done = watched_process_sample(watched, &watch->options, &error);
    if (done)
        *watched->failed = 0;
    if (done && watched->is_new)
        say_begin(watch, watched);
    if (!done)
        say_failure(watch, watched, &error);
    if (watch->options.json && !print_sample(stdout, watched, done ? NULL : error.text))
        watch->failed = true;
    if (done)
        report_changes(watch, watched);
    watch->bad |= watched->ended && watched_is_bad(watched);
}

static uint64_t count_suppressed(const struct watch_targets *targets)
{
    uint64_t sites = 0;
    for (size_t i = 0; i < targets->count; i++)
        for (size_t n = 0; n < targets->items[i].site_count; n++)
            sites += watched_site_rule(&targets->items[i].sites[n]) != NULL;
    return sites;
}

static void take_round(struct watch *watch)
{
    watch_targets_find(&watch->targets, &watch->options);
    for (size_t i = 0; i < watch->targets.count && !stopped; i++)
        take_sample(watch, &watch->targets.items[i]);
    if (watch->targets.count)
        watch->suppressed = count_suppressed(&watch->targets);
    watch_targets_forget_ended(&watch->targets);
    on_leak_reap();
    watch->rounds++;
    if (!watch->options.json)
        live_show(&watch->live, &watch->targets);
    if (fflush(stdout) != 0 || ferror(stdout))
        watch->failed = true;
}

/* ---- all rounds ----------------------------------------------------------------------------------- */

static bool goes_on(const struct watch *watch)
{
    const struct watch_options *options = &watch->options;
    if (stopped || watch->failed || (options->for_s > 0 && now_s() - watch->began_s >= options->for_s))
        return false;
    return watch->targets.count || options->name || options->exe;
}

/* Until the next one is due. A round that took longer than the interval is followed by the next one at once,
 * and no missed one is made up for. A clock that jumped back, as that of a restored machine can, delays none.
 */
static void sleep_until_next(const struct watch *watch)
{
    double passed = now_s() - watch->began_s, interval = watch->options.interval_s;
    double left = interval - fmod(fmax(passed, 0), interval);
    if (watch->options.for_s > 0 && left > watch->options.for_s - passed)
        left = fmax(watch->options.for_s - passed, 0);
    struct timespec time = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    if (!stopped)
        nanosleep(&time, NULL);
}

static void sum_up(struct watch *watch)
{
    char time[TIME_TEXT];
    live_clear(&watch->live);
    if (watch->options.json)
        return;
    for (size_t i = 0; i < watch->targets.count; i++) {
        const struct watched *watched = &watch->targets.items[i];
        if (!watched->samples)
            continue;
        printf("\n%s: %llu thread%s\n", watched->label, (unsigned long long)watched->tasks,
               plural(watched->tasks));
        print_sites(stdout, watched, SIZE_MAX, 80, false);
    }
    printf("%s%llu process%s, %llu sample%s in %s: ", watch->processes && watch->targets.count ? "\n" : "",
           (unsigned long long)watch->processes, watch->processes == 1 ? "" : "es",
           (unsigned long long)watch->rounds, watch->rounds == 1 ? "" : "s",
           time_text(now_s() - watch->began_s, time));
    if (watch->verdicts)
        printf("%llu verdict%s", (unsigned long long)watch->verdicts, watch->verdicts == 1 ? "" : "s");
    else
        fputs(watch->processes ? "no site grows" : "no process was sampled", stdout);
    if (watch->suppressed)
        printf("; %llu suppressed", (unsigned long long)watch->suppressed);
    putchar('\n');
}

static int status_of(struct watch *watch)
{
    for (size_t i = 0; i < watch->targets.count; i++)
        watch->bad |= watched_is_bad(&watch->targets.items[i]);
    if (watch->failed || !watch->processes)
        return STATUS_CANNOT;
    return watch->options.check && watch->bad ? STATUS_LEAKS : STATUS_REPORTED;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int watch_all(struct watch *watch)
{
    struct error error;
    if (!watch_targets_add_pids(&watch->targets, &watch->options, &error)) {
        cli_message("watch: %s", error.text);
        watch_targets_release(&watch->targets);
        return STATUS_CANNOT;
    }
    catch_signals();
    live_begin(&watch->live, !watch->options.json && !watch->options.no_live);
    watch->began_s = now_s();
    for (take_round(watch); goes_on(watch); take_round(watch)) {
        const char *wanted = watch->options.name ? watch->options.name : watch->options.exe;
        if (wanted && !watch->processes && watch->rounds == 1)
            cli_message("watch: no such process yet: %s", wanted);
        sleep_until_next(watch);
    }
    int status = status_of(watch);
    sum_up(watch);
    on_leak_wait();
    if (watch->failed)
        cli_message("watch: standard output could not be written");
    watch_targets_release(&watch->targets);
    return status;
}

static bool read_line(struct watch_options *options, int argc, char **argv, struct error *error)
{
    return pids_read(&command_watch, argc, argv, options->pids, WATCH_PIDS, &options->pid_count, error) &&
           watch_options_complete(options, error);
}

static int run(int argc, char **argv)
{
    struct watch watch = {.options = {.interval_s = 1}};
    struct error error;
    options_defaults(&watch.options.options);
    enum command_parsed parsed = command_parse(&command_watch, argc, argv, &watch.options);
    int status = command_parse_status(parsed);
    if (parsed == COMMAND_PARSED) {
        if (read_line(&watch.options, argc, argv, &error))
            status = watch_all(&watch);
        else
            cli_message("watch: %s", error.text);
    }
    suppression_options_release(&watch.options.suppressions);
    return status;
}

const struct command command_watch = {
    .name = "watch",
    .summary = "sample running programs, and report sites whose threads only grow",
    .run = run,
    .usage = "[OPTIONS] PID... | --name=NAME | --exe=PATH",
    .about = "Samples processes without stopping them, and judges each place that creates\n"
             "threads. A pool that grows to its size and stays there is no leak, and neither\n"
             "are bursts, a sawtooth and a slow start. It samples any process. The creators\n"
             "are known if the process has the shim, or is attached.\n",
    .options = watch_option_table,
    .after = "Exit status: 0 watched; 66 a site grows, with --check; 2 failed.\n"
             "\n"
             "  threadleak watch --name=nginx --on-leak='/usr/local/bin/page-me thread leak'\n"
             "  threadleak watch --check --for=10m $(pidof server)\n",
};
