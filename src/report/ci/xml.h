/* Text in XML 1.0 and in HTML. */
#ifndef THREADLEAK_REPORT_CI_XML_H
#define THREADLEAK_REPORT_CI_XML_H

#include <stdio.h>

/*
 * Escapes `text` for an element's content or a quoted attribute.  Bytes that are not UTF-8, and characters
 * that XML 1.0 excludes (control characters, U+FFFE, U+FFFF: https://www.w3.org/TR/xml/#charsets), are
 * written as \xNN.  Only a newline stays.
 */
void put_xml(FILE *out, const char *text);
/* A newline becomes \x0a too, since parsers read one in an attribute as a blank. */
void put_xml_line(FILE *out, const char *text);

#endif
