/* Nothing here sets it. */
#pragma once
