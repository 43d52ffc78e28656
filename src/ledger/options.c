#include "ledger/ledger.h"

#include <string.h>

const char *ledger_options_text(const struct ledger *ledger, enum ledger_options part)
{
    uint32_t at = atomic_load(&ledger_get_header(ledger)->options);
    if (!at)
        return "";
    for (int before = 0; before < (int)part; before++)
        at += (uint32_t)strlen(ledger_get_string(ledger, at)) + 1;
    return ledger_get_string(ledger, at);
}

void ledger_options_read(const struct ledger *ledger, struct options *options)
{
    options_defaults(options);
    for (int part = 0; part < LEDGER_OPTIONS; part++)
        options_parse(options, ledger_options_text(ledger, (enum ledger_options)part), NULL, NULL);
}
