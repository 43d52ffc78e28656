/* Text in XML 1.0 and in HTML. */
#ifndef THREADLEAK_REPORT_XML_H
#define THREADLEAK_REPORT_XML_H

#include <stdio.h>

/*
 * Escapes `text` for an element's content or a quoted attribute.  What XML 1.0 cannot
 * hold (control characters, U+FFFE, U+FFFF: https://www.w3.org/TR/xml/#charsets), and
 * what is no UTF-8, becomes \xNN.  Only a newline is left as it is.
 */
void put_xml(FILE *out, const char *text);
/* A newline as \x0a too: in an attribute it would be read as a blank. */
void put_xml_line(FILE *out, const char *text);

#endif
