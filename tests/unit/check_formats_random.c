/* Formats of stacks and metrics, of reports with random names: a reader finds what he expects. The seed is
 * fixed. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "formats_made.h"
#include "report/report.h"
#include "suite.h"

#define ROUNDS 300
#define NAMES 9
#define NAME_MAX_BYTES 40

static unsigned seed = 1;
static char names[NAMES][NAME_MAX_BYTES];

static unsigned pick(unsigned count)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % count;
}

/* Bytes that mean something to a reader of one of the formats, parts of characters, and others. */
static void make_name(char name[NAME_MAX_BYTES])
{
    static const char special[] = ";\n \t\"\\{}<>()&#%'`:,=.*/|\r\033\x7f\xc2\x9b\xff\xe2\x80\xf0\x9f"
                                  "0129ax";
    size_t length = pick(NAME_MAX_BYTES);
    for (size_t i = 0; i < length; i++)
        name[i] = pick(4) ? special[pick(sizeof(special) - 1)] : (char)(1 + pick(255));
    name[length] = '\0';
}

static void make_report(void)
{
    for (size_t i = 0; i < NAMES; i++)
        make_name(names[i]);
    made_waiting_stack[0].function = made_stack[2].function = names[0];
    made_waiting_stack[1].function = names[1];
    made_stack[0].function = names[2];
    made_waiting_stack[1].file = made_stack[0].file = names[3];
    made_stack[1].module = made_waiting_stack[0].module = names[4];
    made_current.wait.on = pick(2) ? WAIT_CONDVAR : WAIT_NONE;
    made_current.wait.symbol = names[5];
    made_current.wait.text = made_current.wait.what = names[6];
    made_processes[0].exe = names[7];
    made_stack[0].build_id = names[8];
    snprintf(made_threads[0].name, sizeof(made_threads[0].name), "%.15s", names[8]);
    made_threads[1].current = pick(2) ? &made_current : NULL;
}

/* "NAME;NAME;NAME 17": no name is empty or ends with a second number, and no control character is left. */
static void is_folded(const char *line)
{
    const char *number = strrchr(line, ' ');
    ck_assert_msg(number && number > line && strspn(number + 1, "0123456789") == strlen(number + 1), "%s",
                  line);
    ck_assert_msg(*line != '#' && !strstr(line, ";;") && number[-1] != ';' && number[-1] != ' ', "%s", line);
    const char *before = number;
    while (before > line && strchr("0123456789.", before[-1]))
        before--;
    ck_assert_msg(before == number || before == line || before[-1] != ' ', "two numbers: %s", line);
}

/* The end of a label's value, which begins at `at`. */
static const char *end_of_value(const char *at)
{
    while (*at && *at != '"')
        at += *at == '\\' ? 2 : 1;
    return *at ? at + 1 : NULL;
}

/* name{label="value",label="value"} 17 */
static void is_sample(const char *line)
{
    const char *at = strchr(line, '{');
    ck_assert_msg(at, "%s", line);
    do {
        at = strstr(at + 1, "=\"");
        at = at ? end_of_value(at + 2) : NULL;
        ck_assert_msg(at, "%s", line);
    } while (*at == ',');
    ck_assert_msg(!strncmp(at, "} ", 2) && strspn(at + 2, "0123456789.") == strlen(at + 2), "%s", line);
}

static void each_line(const char *format, void (*check)(const char *line))
{
    char *text = made_printed_as(format), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) && rest) {
        for (const char *at = line; *at; at++)
            ck_assert_msg((unsigned char)*at >= ' ' && *at != 0x7f, "%s: %s", format, line);
        ck_assert_msg(mbstowcs(NULL, line, 0) != (size_t)-1, "%s: not UTF-8: %s", format, line);
        if (check && *line != '#')
            check(line);
    }
    free(text);
}

START_TEST(random_names)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_report();
        each_line("tree", NULL);
        each_line("folded", is_folded);
        each_line("prom", is_sample);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("formats random");
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        abort();
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, formats_set_up, NULL);
    tcase_add_test(tests, random_names);
    return suite_run("formats random", tests);
}
