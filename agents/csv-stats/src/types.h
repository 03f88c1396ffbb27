/* What a cell looks like. */
#ifndef AGENT_TYPES_H
#define AGENT_TYPES_H

#include "stats.h"

bool is_missing(cell c);
/* The most special type that fits; never TYPE_EMPTY. */
column_type cell_type(cell c);
/* The type of a column with values of both types. */
column_type joined_type(column_type a, column_type b);

#endif
