#pragma once

// The gates that need no vote, under their numbers in the judge's page: G1 quality, G3 total cost,
// G4 failures, G5 assignment, G8 leave one node set out, G10 clocks.
#include "amdahl/stats/conduct_gates.hpp"  // IWYU pragma: export
#include "amdahl/stats/cost_gates.hpp"     // IWYU pragma: export
#include "amdahl/stats/node_gate.hpp"      // IWYU pragma: export
#include "amdahl/stats/quality_gate.hpp"   // IWYU pragma: export
