/* Reports in three formats from one list of facts. */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include "stats.h"

typedef enum { REPORT_JSON, REPORT_CSV, REPORT_MARKDOWN } report_format;

void report_begin(bytes *out, report_format format, size_t rows);
void report_column(bytes *out, report_format format, cell name, const column_stats *stats);
void report_end(bytes *out, report_format format);

#endif
