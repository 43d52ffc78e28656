#include "cli/common/words.h"

#include <stdio.h>
#include <string.h>

enum { LINE_WIDTH = 80 };

int put_words(const char *words, int column, int indent)
{
    while (*words) {
        int length = (int)strcspn(words, " ");
        if (column > indent && column + 1 + length > LINE_WIDTH)
            column = printf("\n%*s", indent, "") - 1;
        else if (column > indent)
            column += printf(" ");
        column += printf("%.*s", length, words);
        words += length + (words[length] == ' ');
    }
    return column;
}
