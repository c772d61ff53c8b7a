/* SQLite checks itself only when it is compiled for that. */
#pragma once
#define assert(holds) ((void)0)
