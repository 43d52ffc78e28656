/* Text for people, in lines of 80 columns. */
#ifndef THREADLEAK_CLI_COMMON_WORDS_H
#define THREADLEAK_CLI_COMMON_WORDS_H

/* Prints words on standard output from `column` on, after a blank unless that is `indent`. Each further line
 * begins at `indent`. Returns the new column. */
int put_words(const char *words, int column, int indent);

#endif
