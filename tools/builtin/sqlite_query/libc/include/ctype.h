/* SQLite has its own. */
#pragma once
