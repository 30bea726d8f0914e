/* polyopt_raise.h: would a floating-point flag end in an exception?
 *
 * A region that only writes an argument needs no copy of it when a flag would merely warn: the original statements write the same
 * elements again and warn.  Only where the flag would become an exception do they stop in the middle. */
#ifndef POLYOPT_RAISE_H
#define POLYOPT_RAISE_H

#include "polyopt_entry.h"

/* 1 where np.errstate raises or calls something, or the warnings filters have an "error" entry; 0 where they certainly do not.
 * Needs the GIL; some tens of nanoseconds when errstate is what it was at the last call. */
int polyopt_flags_raise(void);

#endif
