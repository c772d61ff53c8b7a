/* What SQLite uses of it: macros of its own are used instead. */
#pragma once
