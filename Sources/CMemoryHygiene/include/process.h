// SPDX-License-Identifier: Apache-2.0
// Which process this is, and what a child made by fork must leave to its parent.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The number of this process: 1 in the one that asked first, one more in each child made by fork.
// The kernel tells of a fork, whichever way it was made. Costs a read of memory.
uint32_t tv_process(void);

// Memory that children do not inherit: its addresses are not used again there, so that what points
// into it faults instead of finding something else. For ever.
void tv_leave_region(void *start, size_t byte_count);

// A descriptor whose open file must not live on in children: there the same number names something
// that does nothing. Until it is kept again, before it is closed.
void tv_leave_descriptor(int descriptor);
void tv_keep_descriptor(int descriptor);
