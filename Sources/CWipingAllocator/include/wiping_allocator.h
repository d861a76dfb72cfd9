// SPDX-License-Identifier: Apache-2.0
// For executables only: linking this target replaces free, realloc and reallocarray of the whole
// process by versions that zero what they give back. A library must never do that to its host.
#pragma once

// True where the replacement is in force; calling it also keeps the linker from dropping it.
int tv_wiping_allocator_linked(void);
