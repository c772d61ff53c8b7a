/* Compiled to an instruction. */
#pragma once
#define fabs __builtin_fabs
