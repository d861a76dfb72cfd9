// SPDX-License-Identifier: Apache-2.0
// fork(2), which Swift does not offer.
#pragma once

// As fork(2). `silently`: without the handlers of pthread_atfork, as _Fork(3).
int tv_fork(int silently);
